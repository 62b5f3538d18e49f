#!/usr/bin/env bash
# ser-fetch: gets a corpus, or a pretrained encoder. curl brings it, unzip unpacks it; the manual is ser-fetch.1.
#
# All work is done in DIR.part, beside DIR, and renamed to DIR when everything is there and checked. So
# a DIR that exists is complete, and what a killed run leaves behind is what the next one goes on
# from. A lock in DIR.part keeps runs apart; curl inherits it, so that no run disturbs the curl of
# another that was killed.
# shellcheck source=lib/script.sh
. lib/script.sh
unset UNZIP UNZIPOPT ZIPINFO ZIPINFOOPT

version='@VERSION@'
manifests='@MANIFESTS@'

synopsis='[OPTION...] CORPUS DIR | ENCODER [DIR]'
url='' checksums='' jobs=8 retries=5 retry_delay=1 timeout=60 keep='' quiet='' list='' encoders='' accept='' alone=''
title='' licence='' citation='' way='' registration='' checked='' members=''
fetched='ravdess cremad emodb urdu'

# ---- messages ----

note() {
    [ -n "$quiet" ] || warn "$1"
}

help() {
    out "usage: $tool $synopsis
get a speech corpus, checked and unpacked, or a pretrained encoder, into DIR

      --url URL               fetch URL/NAME, from a mirror
      --checksums FILE        what to expect, instead of the known table
  -j, --jobs N                transfers at a time where files are many [$jobs]
      --retries N             attempts in a row that may bring nothing [$retries]
      --retry-delay S         seconds before trying again, doubled each time [$retry_delay]
      --timeout S             cut a connection that is silent for S seconds [$timeout]
      --keep                  keep the archive, in DIR
      --encoder-only          of an encoder what ser-embed needs, in half
                              precision where that loses nothing
      --accept                the licence is kept to: asked for where it forbids
                              commercial use
      --list                  the corpora, and which of them can be fetched
      --encoders              the encoders, and what is known of their files
  -q, --quiet                 no progress, no notes: errors only
  -h, --help                  this text
  -V, --version               the version

ravdess: 208 MB from Zenodo. cremad: 606 MB in 7,442 files from GitHub.
emodb: an archive from its makers. urdu: 88 MB in 400 files from GitHub.
Of any other corpus: says how to get it, exit status 1.
An encoder without DIR goes where ser-embed looks for its name.
After a failure run it again: it goes on from what has arrived."
}

# ---- options ----

is_whole() { # is_whole TEXT MIN MAX
    [[ $1 =~ ^[0-9]{1,9}$ ]] && ((10#$1 >= $2 && 10#$1 <= $3))
}

need_whole() { # need_whole OPTION TEXT MIN MAX
    is_whole "$2" "$3" "$4" || usage "$1: '$2' is not a whole number from $3 to $4"
}

options() { # sets the options and the array operands
    local line
    line=$(getopt -n "$tool" -o j:qhV -l url:,checksums:,jobs:,retries:,retry-delay:,timeout:,keep \
        -l encoder-only,accept,list,encoders,quiet,help,version -- "$@") || { (($? > 1)) || usage; die 4 "getopt failed"; }
    [ -n "$line" ] || die 4 "getopt failed"
    eval "set -- $line" # getopt has quoted every word
    while [ "$1" != -- ]; do
        case $1 in
        --url) url=$2 && shift ;;
        --checksums) checksums=$2 && shift ;;
        -j | --jobs) jobs=$2 && shift ;;
        --retries) retries=$2 && shift ;;
        --retry-delay) retry_delay=$2 && shift ;;
        --timeout) timeout=$2 && shift ;;
        --keep) keep=1 ;;
        --encoder-only) alone=1 ;;
        --accept) accept=1 ;;
        --list) list=1 ;;
        --encoders) encoders=1 ;;
        -q | --quiet) quiet=1 ;;
        -h | --help) help && exit ;;
        -V | --version) out "$tool (ser) $version" && exit ;;
        esac
        shift
    done
    shift
    operands=("$@")

    need_whole --jobs "$jobs" 1 64
    need_whole --retries "$retries" 0 1000
    need_whole --timeout "$timeout" 1 3600
    [[ $retry_delay =~ ^([0-9]{1,4})(\.([0-9]{1,3}))?$ ]] ||
        usage "--retry-delay: '$retry_delay' is not a number of seconds such as 1 or 0.5"
    local thousandths=${BASH_REMATCH[3]}000
    delay_ms=$((10#${BASH_REMATCH[1]} * 1000 + 10#${thousandths:0:3}))
    # What curl's settings could take for a quote, and a query, which a name cannot follow, stay out.
    local address='^https?://[]A-Za-z0-9._~:/@!$&()*+,;=%[-]+$'
    [ -z "$url" ] || [[ $url =~ $address ]] || usage "--url: '$url' is not an http or https address"
    if [ -t 2 ] && [ -z "$quiet" ]; then progress=1; fi
}

# ---- what is known of the corpora ----

# load COLUMNS FILE: sets table to the rows of FILE, which has these columns and fields that fit them.
load() {
    { [ -r "$2" ] && [ ! -d "$2" ]; } || die 4 "$2: no such table, or it cannot be read"
    table=$(awk -F '\t' -v columns="$1" '
        function fits(column, text) {
            if (text == "-" && columns ~ /md5|encoder/ && column ~ /^(bytes|md5|sha256)$/)
                return 1 # of an archive, and of an encoder, these may be unknown
            if (column ~ /^(bytes|clips)$/)
                return text ~ /^[1-9][0-9]*$/ && length(text) <= 12
            if (column ~ /^(md5|sha256)$/)
                return text ~ /^[0-9a-f]*$/ && length(text) == (column == "md5" ? 32 : 64)
            if (column ~ /^(source|licence)$/ || column == "speaker" && text == "-")
                return text != ""
            if (column ~ /^(path|repository)$/)
                return text ~ /^[A-Za-z0-9][A-Za-z0-9_.-]*(\/[A-Za-z0-9][A-Za-z0-9_.-]*)*$/
            return text ~ /^[A-Za-z0-9][A-Za-z0-9_.-]*$/
        }
        BEGIN { n = split(columns, name, " ") }
        {
            bad = NF != n
            for (i = 1; i <= n && !bad; i++)
                bad = NR == 1 ? $i != name[i] : !fits(name[i], $i)
            if (bad)
                exit
            if (NR > 1)
                print
        }
        END {
            if (bad || NR < 2) {
                print "line " (NR ? NR : 1)
                exit 1
            }
        }' "$2") || {
        (($? > 1)) || die 3 "$2: ${table##*$'\n'}: not a row of a table with the columns $1"
        die 4 "$2: cannot be read by awk"
    }
}

# Prints what the corpus' description says: title, licence, citation, get and registration, a line each, then a line
# "SPEAKER<tab>CLIPS" for each speaker that it counts.
described() {
    awk -v corpus="$corpus" '
        $1 == "count" {
            for (i = 3; i <= NF; i++) {
                if ($i !~ /^[0-9]+-[0-9]+$/) {
                    clips[$i] = $2
                    continue
                }
                split($i, range, "-")
                for (s = range[1] + 0; s <= range[2] + 0; s++)
                    clips[sprintf("%0*d", length(range[1]), s)] = $2
            }
        }
        { text[$1] = substr($0, length($1) + 2) }
        END {
            print text["title"] "\n" text["licence"] "\n" text["citation"] "\n" text["get"] "\n" text["registration"]
            for (s in clips)
                print corpus "_" s "\t" clips[s]
        }' "$manifests/$corpus.corpus"
}

# Sets what the corpus is and where it comes from, and expected to lines "SPEAKER<tab>CLIPS".
know_corpus() {
    local text fact
    { text=$(described) && [ -n "$text" ]; } || die 4 "$manifests/$corpus.corpus: cannot be read"
    for fact in title licence citation way registration; do
        printf -v $fact %s "${text%%$'\n'*}"
        text=${text#*$'\n'}
    done
    expected=$text
    case $corpus in
    ravdess)
        home=https://zenodo.org/records/1188976/files
        members='Actor_[0-9][0-9]/*.wav'
        speaker_of='s,^Actor_([0-9]{2})/03-01-0[1-8](-0[12]){3}-\1\.wav$,ravdess_\1,p'
        ;;
    emodb)
        home=http://emodb.bilderbar.info/download
        members='wav/*.wav'
        speaker_of='s,^(wav/)?([0-9]{2})[ab][0-9]{2}[WLEAFTN][a-f]?\.wav$,emodb_\2,p'
        ;;
    savee)
        speaker_of='s,^(.*/)?(DC|JE|JK|KL)[/_](a|d|f|h|n|sa|su)[0-9]{2}\.wav$,savee_\2,p'
        ;;
    cremad)
        # One commit: what is known of its files stays true. So it is with URDU.
        home=https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D
        home=$home/1658cd342dff90010aa843eaeebd53610a08b1dc/AudioWAV
        checked='the SHA-256 of the recordings of each speaker'
        speaker_of='s,^(1[0-9]{3})_[A-Z]{3}_[A-Z]{3}_(XX|LO|MD|HI)\.wav$,cremad_\1,p'
        load 'speaker clips bytes sha256' "${checksums:=$manifests/cremad-checksums.tsv}"
        expected=$(cut -f 1,2 <<<"$table")
        ;;
    urdu)
        home=https://raw.githubusercontent.com/siddiquelatif/URDU-Dataset
        home=$home/4b546d4e0fa36d1c86c53a281631b2ab7ce2fdec
        checked='the SHA-256 of each recording'
        speaker_of='s,^(Angry|Happy|Neutral|Sad)/S([FM][0-9]+)_F[0-9]+_[AHNS][0-9]+\.wav$,urdu_\2,p'
        load 'path bytes sha256' "${checksums:=$manifests/urdu-checksums.tsv}"
        expected=$(awk -F '\t' '
            { sub(/.*\/S/, "", $1); sub(/_.*/, "", $1); clips["urdu_" $1]++ }
            END { for (s in clips) print s "\t" clips[s] }' <<<"$table")
        ;;
    esac
}

# Where the shell has no pipe to be had, it takes what a command says for empty and goes on: where nothing
# would be good news, - says so.

# compare FOLDER: sets lack to the first thing that it lacks, or has too much; to nothing if complete.
compare() {
    lack=$(find "$1" -type f -name '*.wav' -printf '%P\n' | sed -nE "$speaker_of" | awk '
        FILENAME == "-" { have[$1]++; next }
        NF { want[$1] = $2; known = 1 }
        END {
            if (!known)
                exit
            for (s in have)
                want[s] += 0
            for (s in want)
                if (have[s] != want[s] && ++lacks)
                    printf "%s has %d of %d recordings\n", s, have[s], want[s]
            if (!lacks)
                print "-"
        }' - <(printf '%s\n' "$expected") | LC_ALL=C sort) || die 4 "$1: cannot be read"
    [ -n "$lack" ] || die 4 "$1: cannot be compared"
    lack=${lack%%$'\n'*}
    lack=${lack#-}
}

# The recordings of a speaker of CREMA-D, sorted: 12 sentences in 6 emotions, one of the sentences at
# three levels; 20 were never made.
clips_of() { # clips_of SPEAKER
    local actor=${1#cremad_} sentence emotion level levels
    for sentence in DFA IEO IOM ITH ITS IWL IWW MTI TAI TIE TSI WSI; do
        for emotion in ANG DIS FEA HAP NEU SAD; do
            levels=XX
            case ${actor}_${sentence}_$emotion in
            1008_WSI_* | 1009_MTI_* | 1019_ITH_* | 1002_TIE_NEU | 1076_ITS_NEU) continue ;;
            *_IEO_NEU) ;;
            *_IEO_*) levels='HI LO MD' ;;
            esac
            for level in $levels; do
                printf '%s\n' "${actor}_${sentence}_${emotion}_$level.wav"
            done
        done
    done
}

# ---- transfers ----

# What curl says of each transfer; the server has a hand only in what comes last.
said='%{exitcode}|%{http_code}|%{filename_effective}|%header{retry-after}|%{errormsg}\n'

set_curl() {
    local protocols='=https' asked=', as --url asks'
    [ "$url" != "${home-}" ] || asked=''
    case $url in http://*)
        protocols='=http,https'
        note "$url: plain http$asked: the server is not verified, only $checked"
        ;;
    esac
    # curl's settings file stays unread: it could switch the checks of certificates off.
    curl=(curl --disable --fail --location --globoff --max-redirs 10
        --proto "$protocols" --proto-redir "$protocols" --connect-timeout "$timeout"
        --speed-limit 1 --speed-time "$timeout" --write-out "$said")
}

size_of() {
    if [ -e "$1" ]; then stat -c %s -- "$1"; else echo 0; fi
}

# at_most BYTES COMMAND...: none of its files grows far beyond BYTES, whatever a server or archive says.
at_most() {
    (
        ulimit -f $(($1 / 1024 + 1024)) 2>/dev/null || : # a lower limit is there already
        shift
        exec "$@"
    )
}

# Sets verdict on a failed transfer: again; afresh, where the server cannot go on from a cut; or never,
# where no attempt would end otherwise: no such file, no trust, no space.
judge() { # judge CURL_EXIT HTTP_CODE
    case $1:$2 in
    *:416 | 33:* | 36:*) verdict=afresh ;;
    22:408 | 22:425 | 22:429 | 22:5*) verdict=again ;;
    [1-4]:* | 22:* | 23:* | 47:* | 5[348]:* | 59:* | 60:* | 66:* | 77:* | 8[0237]:* | 9[01]:* | 12[67]:*)
        verdict=never
        ;;
    *) verdict=again ;;
    esac
}

give_up() { # give_up CURL_EXIT FILE WHY
    [ "$1" != 23 ] || die 4 "$work/$2.part: $3"
    die 4 "$url/$2: $3"
}

# Waits, each time twice as long, up to a minute, or as long as the server asks, up to five.
back_off() { # back_off FAILURES WHAT WHY SERVER_ASKS
    local n s=s ms=$delay_ms
    if (($1 > retries)); then
        if (($1 == 1)); then s=''; fi
        die 4 "$2: $3: gave up after $1 attempt$s; run again to go on from what is in $work"
    fi
    for ((n = 1; n < $1 && ms < 60000; n++)); do ms=$((2 * ms)); done
    if ((ms > 60000)); then ms=60000; fi
    if is_whole "$4" 1 300 && ((10#$4 * 1000 > ms)); then ms=$((10#$4 * 1000)); fi
    printf -v ms '%d.%03d' $((ms / 1000)) $((ms % 1000))
    note "$2: $3: trying again in $ms s"
    sleep "$ms"
}

# Brings FILE.part to BYTES, going on where an earlier attempt or run was cut. BYTES - is unknown: as many as
# the server has, within reason.
download() { # download FILE BYTES
    local part=$1.part size most failures=0 line code http after why show=--silent known=1 limit=$2
    case $2:$1 in
    -:*.json) known='' limit=16777216 ;;
    -:*) known='' limit=2000000000 ;;
    esac
    [ -z "$progress" ] || show=--progress-bar
    most=$(size_of "$part")
    size=$most
    while [ -z "$known" ] || ((size < $2)); do
        line=$(at_most "$limit" "${curl[@]}" "$show" --continue-at - --output "$part" "$url/$1") || :
        size=$(size_of "$part")
        IFS='|' read -r code http _ after why <<<"$line"
        : "${code:=127}" "${why:=ended after $size ${known:+of $2 }bytes}"
        if [ -n "$known" ]; then if ((size >= $2)); then break; fi; elif [ "$code" = 0 ]; then break; fi
        judge "$code" "$http"
        [ "$verdict" != never ] || give_up "$code" "$1" "$why"
        failures=$((failures + 1))
        if ((size > most)); then most=$size failures=1; fi
        if [ "$verdict" = afresh ]; then rm -f -- "$part"; fi
        back_off $failures "$url/$1" "$why" "$after"
    done
}

# The same for files too small to go on with, many at a time; each appears when it is whole.
download_all() { # download_all NAME...
    local name missing failures=0 code http file after why trouble pause
    while :; do
        missing=()
        for name; do [ -e "$name" ] || missing+=("$name"); done
        [ ${#missing[@]} != 0 ] || return 0
        failures=$((failures + 1)) trouble='curl ended without a message' pause=''
        while IFS='|' read -r code http file after why; do
            if [ "$code" = 0 ]; then
                mv -- "$file" "${file%.part}"
                failures=0
                continue
            fi
            rm -f -- "$file"
            judge "$code" "$http"
            [ "$verdict" != never ] || give_up "$code" "${file%.part}" "$why"
            trouble="${file%.part}: $why" pause=${after:-$pause}
        done < <(for name in "${missing[@]}"; do
            printf 'url = "%s/%s"\noutput = "%s.part"\n' "$url" "$name" "$name"
        done | at_most 16777216 "${curl[@]}" --silent --no-progress-meter --create-dirs --parallel --parallel-max "$jobs" \
            --config - || :) # what failed, the lines say
        [ "$failures" = 0 ] || back_off $failures "$url" "$trouble" "$pause"
    done
}

# ---- the work ----

enter() {
    mkdir -p -- "$work" || die 4 "$work: cannot create the folder"
    cd -- "$work"
    { exec 9>lock; } 2>/dev/null || die 4 "$work/lock: cannot write"
    flock -n 9 || die 4 "$work: in use by another ser-fetch, or by the curl of one that was killed"
}

leave() { # leave FILE...: nothing but these and what was made here is removed
    rm -rf -- tree lock "$@"
    cd ..
    rmdir -- "$work" || note "$work: not removed: it contains files that ser-fetch did not put there"
}

# What will stand beside the recordings: where they come from, and whose they are.
describe() {
    printf '%s\n' "corpus: $corpus" "title: $title" "source: $url" "checked: $checked" "licence: $licence" \
        "citation: $citation" "fetched by: $tool $version"
}

# Makes tree the folder DIR.
finish() {
    compare tree
    [ -z "$lack" ] || die 3 "$url: not the whole corpus: $lack"
    describe >tree/ser-source.txt || die 4 "$work/tree/ser-source.txt: cannot write"
    put_in_place
}

put_in_place() {
    sync -f tree || die 4 "$work: cannot write"
    mv -T -- tree "$whole" || die 4 "$dir: cannot rename $work/tree to it"
}

report() {
    local counts
    [ -z "$quiet" ] || return 0
    counts=$(awk '{ n += $2 } END { print NR " speakers, " n " recordings" }' <<<"$expected")
    [ -n "$counts" ] || die 4 "$dir: cannot be counted"
    out "$dir: $counts"
}

# unzip_failed STATUS ARCHIVE SAID [WHY]: WHY where it is the archive's fault, and not that of memory or a signal
unzip_failed() {
    local said=${3%%$'\n'*}
    case $1 in
    2 | 3 | 9 | 11 | 51 | 81 | 82) die 3 "$2: ${4-unzip fails: $said}" ;;
    50) die 4 "$work/tree: no space: $said" ;;
    *) die 4 "$2: unzip fails with status $1: $said" ;;
    esac
}

# Refuses an archive that could write elsewhere than into the folder where it is unpacked, ask a
# question, or fill the disk. unzip shows control characters as ^X; ^ is refused with them.
inspect() { # inspect ARCHIVE
    local listing flaw code=0
    listing=$(unzip -Zs "$1" 2>&1 </dev/null) || code=$?
    if ((code > 1)); then unzip_failed $code "$1" "$listing" "not an archive that unzip can read"; fi
    flaw=$(awk '
        function refuse(why) {
            print name ": " why
            refused = 1
            exit
        }
        NR <= 2 || / bytes uncompressed, / && !/^[-a-zA-Z?]+ +[0-9.]+ / { next }
        {
            name = $0
            for (i = 1; i <= 7; i++)
                sub(/^[^ ]+ +/, "", name)
            sub(/^[^ ]+ /, "", name)
            if ($1 !~ /^[-d?]/)
                refuse("neither a file nor a folder")
            if ($5 ~ /^[A-Z]/)
                refuse("is encrypted")
            if (name !~ /^[A-Za-z0-9_.+ ()\/-]+$/)
                refuse("has characters that are not allowed in a name")
            if (name ~ /^\// || ("/" name "/") ~ /\/\.\.\//)
                refuse("would be written outside the folder")
            if (seen[tolower(name)]++)
                refuse("occurs twice")
            if ((bytes += $4) > 4e9 || ++entries > 100000)
                refuse("more than 4 GB or 100,000 entries")
        }
        END {
            if (!refused)
                print "-"
        }' <<<"$listing")
    { [ -n "$listing" ] && [ -n "$flaw" ]; } || die 4 "$1: cannot be listed"
    [ "$flaw" = - ] || die 3 "$1: $flaw: refused, nothing was unpacked"
}

unpack() { # unpack ARCHIVE
    local code=0 why
    inspect "$1"
    rm -rf tree
    why=$(at_most 67108864 unzip -q "$1" "$members" -d tree 2>&1 </dev/null) || code=$?
    # 1 is a warning: whether it all came out is seen by counting.
    if ((code > 1)); then unzip_failed $code "$1" "$why"; fi
}

# Sets archive, bytes and md5 (-: unknown), and how the archive is checked.
know_archive() {
    load 'corpus file bytes md5 source' "${checksums:=$manifests/checksums.tsv}"
    table=$(sed -n "/^$corpus\t/p" <<<"$table")
    IFS=$'\t' read -r _ archive bytes md5 _ <<<"$table"
    [ -n "$archive" ] || die 3 "$checksums: has no row for $corpus"
    checked="the MD5 of $archive, $md5"
    [ "$md5" != - ] || checked='the number of recordings of each speaker: no checksum is known'
}

# Sets lack to what FILE is not; to nothing if it is as it is known to be. What is - is not known.
examine() { # examine FILE BYTES PROGRAM SUM
    local found size
    lack=''
    if [ "$4" != - ]; then
        found=$("$3" <"$1")
        if [ "${found%% *}" != "$4" ]; then lack="its ${3%sum} is ${found%% *}, not $4"; fi
        lack=${lack/md5/MD5} lack=${lack/sha256/SHA-256}
    fi
    size=$(size_of "$1")
    if [ -z "$lack" ] && [ "$2" != - ] && [ "$size" != "$2" ]; then lack="it has $size bytes, not $2"; fi
}

# Brings a file of which something is known.
download_known() { # download_known FILE BYTES PROGRAM SUM WHAT
    local try
    # One of an earlier run is looked at again.
    [ ! -e "$1" ] || mv -- "$1" "$1.part"
    for try in 1 2; do
        download "$1" "$2"
        examine "$1.part" "${@:2}"
        [ -n "$lack" ] || break
        if head -c 40 "$1.part" | grep -q '^version https://git-lfs'; then lack='it is a Git LFS pointer'; fi
        rm -f -- "$1.part"
        lack="$url/$1: not the known $5: $lack"
        [ $try = 1 ] || die 3 "$lack; removed"
        note "$lack: trying again from the start"
    done
    mv -- "$1.part" "$1"
}

get_archive() {
    enter
    if [ "$md5" != - ]; then
        download_known "$archive" "$bytes" md5sum "$md5" archive
    elif [ ! -e "$archive" ]; then # one that somebody has put there is taken
        download "$archive" "$bytes"
        mv -- "$archive.part" "$archive"
        unproven=$work/$archive # a next run must not find it, should it be no good
        trap 'rm -f -- "$unproven"' EXIT
    fi
    unpack "$archive"
    [ -z "$keep" ] || mv -- "$archive" tree
    finish
    leave "$archive"
}

get_cremad() {
    local speaker clips bytes sha256 found try names number=0 total done_bytes=0 all_bytes
    total=$(wc -l <<<"$table")
    all_bytes=$(awk -F '\t' '{ n += $3 } END { printf "%d", n }' <<<"$table")
    enter
    mkdir -p tree
    cd tree
    while IFS=$'\t' read -r speaker clips bytes sha256; do
        show_progress $number "$total" speakers "$done_bytes" "$all_bytes"
        found=$(clips_of "$speaker")
        mapfile -t names <<<"$found"
        [ ${#names[@]} = "$clips" ] ||
            die 3 "$checksums: $speaker: has ${#names[@]} recordings, not $clips"
        for try in 1 2; do
            download_all "${names[@]}"
            found=$(sha256sum -- "${names[@]}" | sha256sum)
            [ "${found%% *}" != "$sha256" ] || break
            found="$url: $speaker: not the known recordings: SHA-256 of their sums ${found%% *}, not $sha256"
            if head -c 40 "${names[0]}" | grep -q '^version https://git-lfs'; then
                found="$url: $speaker: Git LFS pointers instead of audio"
            fi
            rm -f -- "${names[@]}"
            [ $try = 1 ] || die 3 "$found; removed"
            note "$found: trying again from the start"
        done
        number=$((number + 1)) done_bytes=$((done_bytes + bytes))
    done <<<"$table"
    cd ..
    finish
    leave
}

# show_progress DONE ALL WHAT BYTES ALL_BYTES
show_progress() {
    [ -z "$progress" ] || printf '\r%s: %d/%d %s, %d/%d MB\033[K' "$tool" "$1" "$2" "$3" $(($4 / 1000000)) \
        $(($5 / 1000000)) >&2
}

# Sets wrong to those of the array names whose lines of sha256sum are not those of the array sums.
find_wrong() {
    local found lines i
    found=$(sha256sum -- "${names[@]}")
    mapfile -t lines <<<"$found"
    { [ -n "$found" ] && [ ${#lines[@]} = ${#sums[@]} ]; } || die 4 "$work/tree: the checksums cannot be computed"
    wrong=()
    for i in "${!sums[@]}"; do
        [ "${lines[i]}" = "${sums[i]}" ] || wrong+=("${names[i]}")
    done
}

# Files with a checksum each, some at a time.
get_files() {
    local rows row name bytes sha256 names sums wrong found try i step=40 done_bytes=0 all_bytes
    mapfile -t rows <<<"$table"
    all_bytes=$(awk -F '\t' '{ n += $2 } END { printf "%d", n }' <<<"$table")
    enter
    mkdir -p tree
    cd tree
    for ((i = 0; i < ${#rows[@]}; i += step)); do
        show_progress "$i" ${#rows[@]} files "$done_bytes" "$all_bytes"
        names=() sums=()
        for row in "${rows[@]:i:step}"; do
            IFS=$'\t' read -r name bytes sha256 <<<"$row"
            names+=("$name") sums+=("$sha256  $name")
            done_bytes=$((done_bytes + bytes))
        done
        for try in 1 2; do
            download_all "${names[@]}"
            find_wrong
            [ ${#wrong[@]} != 0 ] || break
            rm -f -- "${wrong[@]}"
            found="$url/${wrong[0]}: not the known recording"
            ((${#wrong[@]} == 1)) || found="$found, nor are $((${#wrong[@]} - 1)) others"
            [ $try = 1 ] || die 3 "$found; removed"
            note "$found: trying again from the start"
        done
    done
    cd ..
    finish
    leave
}

# ---- encoders ----

# Sets what is known of the encoder, and table to its files; leaves repository empty if there is no such encoder.
know_encoder() {
    local row
    load 'encoder repository revision terms licence' "$manifests/encoders.tsv"
    row=$(awk -F '\t' -v encoder="$encoder" '$1 == encoder { row = $0 } END { print row ? row : "-" }' <<<"$table")
    [ -n "$row" ] || die 4 "$manifests/encoders.tsv: cannot be read"
    [ "$row" != - ] || return 0
    IFS=$'\t' read -r _ repository revision terms licence <<<"$row"
    home=https://huggingface.co/$repository/resolve/$revision
    load 'encoder file bytes sha256' "${checksums:=$manifests/encoder-checksums.tsv}"
    table=$(sed -n "s/^$encoder\t//p" <<<"$table")
    [ -n "$table" ] || die 3 "$checksums: has no row for $encoder"
    checked=$(awk -F '\t' '{
        known = $3 != "-" ? "SHA-256" : $2 != "-" ? "size alone" : "nothing"
        printf "%s%s of %s", (NR > 1 ? ", " : ""), known, $1
    }' <<<"$table")
    [ -n "$checked" ] || die 4 "$checksums: cannot be read"
}

# Where ser-embed looks for names.
set_encoder_folder() {
    local data=${XDG_DATA_HOME-}
    [[ $data = /* ]] || data=${HOME:+$HOME/.local/share}
    [ -n "$data" ] || usage "no folder is given, and HOME is not set"
    dir=$data/ser/encoders/$encoder
}

list_encoders() {
    load 'encoder file bytes sha256' "${checksums:=$manifests/encoder-checksums.tsv}"
    local files=$table
    load 'encoder repository revision terms licence' "$manifests/encoders.tsv"
    # shellcheck disable=SC2016 # $1 is awk's
    put '<stdout>' awk -F '\t' '
        FILENAME == "-" {
            bytes[$1] = bytes[$1] == "-" || $3 == "-" && $2 !~ /json$/ ? "-" : bytes[$1] + $3
            if ($4 == "-")
                open[$1] = open[$1] (open[$1] ? " " : "") $2
            next
        }
        FNR == 1 { print "encoder\tbytes\tunverified\tterms\tlicence\tsource" }
        { print $1 "\t" bytes[$1] "\t" (open[$1] ? open[$1] : "-") "\t" $4 "\t" $5 "\thttps://huggingface.co/" $2 "/tree/" $3 }
    ' - <(printf '%s\n' "$table") <<<"$files"
}

# Sets lack to why FOLDER is not the encoder, as an earlier run has put it there; to nothing if it is.
compare_encoder() { # compare_encoder FOLDER
    local sums
    lack='ser-fetch did not put it there'
    [ -r "$1/ser-source.txt" ] || return 0
    sums=$(sed -n "1s/^encoder: $encoder\$/&/p; s/^SHA-256: //p" "$1/ser-source.txt")
    case $sums in "encoder: $encoder"$'\n'*) ;; *) return 0 ;; esac
    lack='its files are not those that came'
    ! (cd -- "$1" && sha256sum --check --strict --status <<<"${sums#*$'\n'}") 2>/dev/null || lack=''
}

describe_encoder() {
    local sums kept=all
    [ -z "$alone" ] || kept='the encoder alone'
    sums=$(cd tree && sha256sum -- *)
    [ -n "$sums" ] || die 4 "$work/tree: the checksums cannot be computed"
    printf '%s\n' "encoder: $encoder" "source: $url" "checked: $checked" "kept: $kept" "licence: $licence" \
        "fetched by: $tool $version"
    printf '%s\n' "SHA-256: ${sums//$'\n'/$'\n'SHA-256: }"
}

# Leaves in tree what ser-embed needs of the files in full.
keep_encoder() {
    local embed=${0%/*}/ser-embed why code=0
    [ -x "$embed" ] || embed=ser-embed
    mkdir -p tree
    cp -- full/*.json tree || die 4 "$work/tree: cannot write"
    why=$("$embed" --weights -o tree/model.safetensors full 2>&1) || code=$?
    case $code in
    0) ;;
    3)
        rm -rf full tree # a next run must not find them
        die 3 "$url: ${why#ser-embed: }; removed"
        ;;
    *) die 4 "ser-embed, which --encoder-only needs, fails with status $code: $why" ;;
    esac
}

get_encoder() {
    local name bytes sha256
    enter
    rm -rf tree
    mkdir -p full
    cd full
    while IFS=$'\t' read -r name bytes sha256; do
        download_known "$name" "$bytes" sha256sum "$sha256" file
    done <<<"$table"
    cd ..
    if [ -n "$alone" ]; then keep_encoder; else mv -- full tree; fi
    describe_encoder >ser-source.txt || die 4 "$work/ser-source.txt: cannot write"
    mv -- ser-source.txt tree
    put_in_place
    leave full
}

report_encoder() {
    local size
    [ -z "$quiet" ] || return 0
    size=$(find "$whole" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%d", (n + 500000) / 1e6 }')
    [ -n "$size" ] || die 4 "$dir: cannot be read"
    out "$dir: $encoder, $size MB"
}

fetch_encoder() {
    [ -z "$keep" ] || usage "--keep is about the archives of corpora"
    [ -n "$dir" ] || set_encoder_folder
    resolve
    note "$encoder: licence $licence"
    if [ "$terms" = noncommercial ] && [ -z "$accept" ]; then
        die 1 "$encoder: its licence forbids commercial use: whoever keeps to it says --accept; nothing was fetched"
    fi
    if [ -e "$whole" ]; then
        [ -d "$whole" ] || die 4 "$dir: is not a folder"
        compare_encoder "$whole"
        if [ -z "$lack" ]; then
            report_encoder
            exit
        fi
        is_empty "$whole" || die 3 "$dir: exists, but $lack: name another folder, or move this one away"
    fi
    need_programs curl flock
    get_ready
    get_encoder
    note "$encoder: checked: $checked"
    [ "$revision" != main ] || note "$encoder: no revision of it is known: this is what its makers show today"
    report_encoder
}

# ---- what is not fetched ----

list_corpora() {
    # shellcheck disable=SC2016 # $1 is awk's
    put '<stdout>' awk -v fetched="$fetched" '
        function row() {
            print corpus "\t" (index(" " fetched " ", " " corpus " ") ? "fetched" : "told") "\t" text["registration"] \
                "\t" text["licence"] "\t" text["title"] "\t" text["get"]
        }
        BEGIN { print "corpus\thow\tregistration\tlicence\ttitle\tget" }
        $1 == "corpus" {
            if (corpus)
                row()
            corpus = $2
        }
        { text[$1] = substr($0, length($1) + 2) }
        END { row() }' "$manifests"/*.corpus
}

say_how() {
    local who='Its makers ask for no registration, but ser-fetch does not know its files.'
    [ "$registration" != yes ] ||
        who='It is given only to those who register, sign or pay; it may not be passed on.'
    out "$title: $who
1. Get it:    $way
   Licence:   $licence
   Cite:      $citation
2. Unpack it: into a folder, such as ${dir@Q}
3. Check it:  ser-manifest --corpus $corpus --check ${dir@Q} > manifest.tsv"
    exit 1
}

say_savee() {
    out "SAVEE is given to those who register, for research; it may not be passed on.
1. Register: http://kahlan.eps.surrey.ac.uk/savee/ (University of Surrey)
2. Get AudioData.zip (480 recordings of DC, JE, JK and KL) with the address that is sent.
3. Unpack it:  unzip AudioData.zip -d ${dir@Q}
4. Check it:   $tool savee ${dir@Q}"
    exit 1
}

# Sets whole and work, by dir.
resolve() {
    case $dir in *[[:cntrl:]]*) usage "'$dir': control characters in the name" ;; esac
    { whole=$(realpath -m -- "$dir") && [ -n "$whole" ]; } || die 4 "$dir: cannot resolve the path"
    work=$whole.part
}

is_empty() { # is_empty FOLDER
    local holds
    holds=$(find "$1" -maxdepth 1 -mindepth 1 -printf x -quit && echo -)
    [ "$holds" = - ]
}

need_programs() { # need_programs NAME...
    local need
    for need; do
        command -v "$need" >/dev/null || die 4 "$need: not installed; ser-fetch needs it"
    done
}

get_ready() {
    : "${url:=$home}"
    url=${url%"${url##*[!/]}"}
    set_curl
}

fetch_corpus() {
    local advice
    case " $fetched " in *" $corpus "*) ;; *) dir=${dir:-${corpus}_data} ;; esac
    [ -n "$dir" ] || usage "no folder is given"
    resolve
    know_corpus
    case " $fetched savee " in *" $corpus "*) ;; *) say_how ;; esac
    if [ -e "$whole" ]; then
        [ -d "$whole" ] || die 4 "$dir: is not a folder"
        compare "$whole"
        if [ -z "$lack" ]; then
            [ ! -e "$work" ] || note "$work: left over from a run that was killed; it may be removed"
            report
            exit
        fi
        advice='move this one away'
        [ "$corpus" != savee ] || advice='unpack AudioData.zip again'
        is_empty "$whole" || die 3 "$dir: exists, but $lack: name another folder, or $advice"
    fi
    [ "$corpus" != savee ] || say_savee

    need_programs curl unzip flock
    [ -z "$members" ] || know_archive
    get_ready
    case $corpus in
    cremad) get_cremad ;;
    urdu) get_files ;;
    *) get_archive ;;
    esac
    note "$corpus: checked: $checked"
    note "$corpus: licence $licence"
    note "$corpus: cite $citation"
    report
}

main() {
    options "$@"
    if [ -n "$list$encoders" ]; then
        if [ "$list$encoders" = 11 ] || [ ${#operands[@]} != 0 ]; then
            usage "--list is about all corpora, --encoders about all encoders"
        fi
        if [ -n "$list" ]; then list_corpora; else list_encoders; fi
        exit
    fi
    [ ${#operands[@]} -le 2 ] || usage "expected exactly one corpus or encoder, and one folder"
    corpus=${operands[0]-} dir=${operands[1]-}
    [ -n "$corpus" ] || usage "no corpus is given"
    if [[ $corpus =~ ^[a-z0-9-]+$ && -e $manifests/$corpus.corpus ]]; then
        [ -z "$alone$accept" ] || usage "--encoder-only and --accept are about encoders"
        fetch_corpus
    else
        encoder=$corpus repository=''
        [[ ! $encoder =~ ^[a-z0-9-]+$ ]] || know_encoder
        [ -n "$repository" ] ||
            usage "'$corpus' is none of the known corpora: $tool --list shows them; nor an encoder: --encoders"
        fetch_encoder
    fi
    command exit # nothing is read after it
}

main "$@"
