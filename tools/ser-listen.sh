#!/usr/bin/env bash
# ser-listen: the emotion of a voice while it speaks. Other tools do the work; the manual is ser-listen.1.
# shellcheck source=lib/script.sh
. lib/script.sh

version='@VERSION@'
synopsis='[OPTION...] MODEL'
device='' every=0.5 voice='' adapt='' record='' raw=() view=() quiet='' source='' recorder='' keeper=''
PATH=$PATH:${0%/*} # the other tools stand beside this one

help() {
    out "usage: $tool $synopsis
show the emotion of a voice while it speaks, by MODEL, a file or a name

  -d, --device NAME   record from this device; without it from the default one,
                      or hear standard input where that is no terminal
      --every S       an answer every S seconds [$every]
      --raw F:HZ:N    standard input has no header: s16le:16000:1
      --voice FILE    what is known of the voice: a stream of ser-tensor stats
      --adapt         learn what the voice is like from what it says
      --record FILE   keep the sound in FILE, and the table in FILE.tsv
  -s, --smooth S      as in ser-view: smooth over S seconds of speech
      --hold          as in ser-view: change the emotion by a clear margin only
      --span S        as in ser-view: the strip shows the last S seconds
  -J, --json          as in ser-view: a JSON object a line
  -q, --quiet         do not tell what is heard
  -h, --help          this text
  -V, --version       the version

Where standard output is no terminal, the rows of ser-score pass through."
}

note() {
    [ -n "$quiet" ] || warn "$1"
}

options() { # sets the options and the model
    local line
    line=$(getopt -n "$tool" -o d:s:JqhV -l device:,every:,raw:,voice:,adapt,record:,smooth:,hold,span: \
        -l json,quiet,help,version -- "$@") || { (($? > 1)) || usage; die 4 "getopt failed"; }
    [ -n "$line" ] || die 4 "getopt failed"
    eval "set -- $line" # getopt has quoted every word
    while [ "$1" != -- ]; do
        case $1 in
        -d | --device) device=$2 && shift ;;
        --every) every=$2 && shift ;;
        --raw) raw=("$1" "$2") && shift ;;
        --voice) voice=$2 && shift ;;
        --adapt) adapt=1 ;;
        --record) record=$2 && shift ;;
        -s | --smooth | --span) view+=("$1" "$2") && shift ;;
        --hold | -J | --json) view+=("$1") ;;
        -q | --quiet) quiet=1 ;;
        -h | --help) help && exit ;;
        -V | --version) out "$tool (ser) $version" && exit ;;
        esac
        shift
    done
    (($# > 1)) || usage "a model is needed: 'ser-score --list' shows those that have a name"
    (($# == 2)) || usage "more than a model is given: sound comes on standard input: $tool MODEL < FILE"
    [ -z "$voice" ] || [ -z "$adapt" ] || usage "--voice and --adapt: only one of them"
    model=$2
}

# Sets features to the command that hears the sound, embed to the one that makes a network's embeddings of that, and
# normal to the one that normalises what comes of it, if there are such.
know_model() {
    local header norm
    [ -e "$model" ] || model=$(ser-score --list | NAME=$model awk -F '\t' '
        NR > 1 && $1 == ENVIRON["NAME"] { path = $5 }
        END { print path == "" ? ENVIRON["NAME"] : path }') || exit 4
    [ -e "$model" ] || exec ser-score -- "$model" </dev/null # which says what names there are
    header=$(ser-tensor ls -H -- "$model") || die $? "$model: cannot be used as a model: sound comes on standard input: $tool MODEL < FILE"
    features=(ser-mfcc) embed=() normal=()
    if grep -qx feat.encoder=network <<<"$header"; then
        embed=(ser-score --embed -- "$model")
        # What the network before it hears is told by who takes it: here a manifest of no recordings.
        ser-mfcc --like "$model" -m - <<<$'id\tpath' >/dev/null 2>&1 || features=(ser-embed)
    elif grep -qx feat.type=embedding <<<"$header"; then
        features=(ser-embed)
    fi
    features+=(--like "$model" --every "$every" "${raw[@]}")
    norm=$(sed -n 's/^feat\.norm=//p' <<<"$header")
    case $norm in
    '' | utterance)
        [ -z "$voice$adapt" ] || usage "$model: takes every voice as it is: leave out --voice and --adapt"
        ;;
    *)
        [ -n "$voice" ] || [ "$norm" = speaker ] || usage "$model: was normalised by $norm: give those statistics as --voice"
        [ -n "$voice$adapt" ] || note "$model: compares a voice with itself: learns your voice from what you say"
        if [ -n "$voice" ]; then normal=(--with "$voice"); else normal=(--adapt --prior "$model"); fi
        # A vector is of a whole window, and most windows are older than they are new: as much as 16 s of new sound. One per
        # frame counts as a frame does. An --every that is no number is refused by who hears.
        [ -n "$voice" ] || ! grep -qx feat.type=embedding <<<"$header" || grep -q '^feat\.axes=.*time' <<<"$header" ||
            normal+=(--prior-weight "$(awk -v every="$every" 'BEGIN {print (every + 0 > 0 ? 16 / every : 1)}')")
        normal=(ser-tensor normalize --one-speaker "${normal[@]}")
        ;;
    esac
}

# A file that is kept. Nothing is written over.
keep() {
    [ ! -e "$1" ] || die 4 "$1: exists, and is not written over"
    { : >"$1"; } 2>/dev/null || die 4 "$1: cannot write"
}

# Makes the sound standard input. source is the process that brings it, keeper the one that keeps it, recorder the device,
# if there are such.
open_sound() {
    local why from=''
    if [ -t 0 ] || [ -n "$device" ]; then
        ((${#raw[@]} == 0)) || usage "--raw is about standard input, not about a device"
        command -v rec >/dev/null || die 4 "rec is missing, which records: install the package sox"
        [ -z "$device" ] || export AUDIODEV=$device
        from=${AUDIODEV:-default}
        # Asked for no sound, rec opens the device and ends.
        why=$(rec -q -n trim 0 0 2>&1) || {
            why=${why##*: }
            # What SoX says of any name that none of its drivers knows.
            [[ $why != *'no default audio device'* ]] ||
                why='SoX knows no such device, or has no driver for it: package libsox-fmt-alsa or libsox-fmt-pulse'
            die 4 "device '$from' cannot be opened: $why: 'arecord -l' (alsa-utils) lists \
cards and devices, for --device hw:CARD,DEVICE; without any, ffmpeg -i SOUND -f wav - | $tool MODEL"
        }
    fi
    [ -z "$record" ] || { keep "$record" && keep "$record.tsv"; }
    if [ -n "$from" ]; then
        note "listens to the device '$from'"
        exec < <(exec rec -q -V1 --buffer 1024 -t wav - 2>&"$said") # small blocks leave soon; no warnings, of a header for example
        source=$! recorder=$from
    fi
    if [ -n "$record" ]; then
        exec < <(exec tee -- "$record" 2>&"$said")
        keeper=$! source=${source:-$!}
    fi
}

# first CODE...: the status of the first that failed by itself, of filters in the order of the pipe
first() {
    local code
    for code; do
        ((code == 0 || code == 141)) || return "$code"
    done
    return 141 # nobody reads the last one's output
}

heard() {
    if ((${#embed[@]} == 0)); then
        "${features[@]}"
    else
        "${features[@]}" | "${embed[@]}" || first "${PIPESTATUS[@]}"
    fi
}

made() {
    if ((${#normal[@]} == 0)); then
        heard
    else
        heard | "${normal[@]}" || first "${PIPESTATUS[@]}"
    fi
}

copied() { # copied FILE: tee, whose failures are those of the system
    local code=0
    tee -- "$1" || code=$?
    ((code == 0 || code > 128)) || code=4
    return $code
}

scored() {
    if [ -z "$record" ]; then
        ser-score -- "$model"
    else
        ser-score -- "$model" | copied "$record.tsv" || first "${PIPESTATUS[@]}"
    fi
}

# What brings the sound ends with the viewer, even where it is silent.
stop() {
    [ -z "$source" ] || kill "$source" 2>/dev/null || :
}
trap stop EXIT

shown() {
    local code=0
    ser-view "${view[@]}" || code=$?
    stop
    return $code
}

options "$@"
know_model
# What is said meanwhile would be drawn over: it comes at the end.
{ file=$(mktemp) && exec {said}<>"$file" && rm -f -- "$file"; } || die 4 "no temporary file can be made"
open_sound
codes=(0 0 0)
made 2>&"$said" | scored 2>&"$said" | shown 2>&"$said" || codes=("${PIPESTATUS[@]}")
# That one brought nothing to the next, or not all, is no news behind what it says itself, and SoX warns of ALSA always.
grep -vE -e "^rec WARN alsa: can't encode 0-bit" \
    -e '^ser-(tensor|score|view): <stdin>: .*(the program before it in the pipe failed|or its writer failed)' "/dev/fd/$said" >&2 || :
exec </dev/null # or what keeps the sound might wait for ever to be read
failed() { # failed PROCESS: it ended by itself, and not well
    local code=0
    [ -z "$1" ] || wait "$1" || code=$?
    ((code != 0 && code <= 128))
}
! failed "${recorder:+$source}" || die 4 "device '$recorder' has stopped: see above"
! failed "$keeper" || die 4 "$record: the sound could not be kept: see above"
source='' # it has ended, and its number may become another's
((codes[2] <= 128)) || exit "${codes[2]}"
first "${codes[@]}" || code=$?
((code == 141)) || exit "$code"
