#!/usr/bin/env bats
# ser-listen: from standard input and from a device, for every kind of model; and what sound does that is not as it should be.
load helper

# Two models of windows of 20 frames at 8 kHz: as sounds are, and by speaker; made once.
setup_file() {
    load helper
    mkdir "$BATS_FILE_TMPDIR/made" && cd "$BATS_FILE_TMPDIR/made" || return 1
    sox -R -n -r 8000 -b 16 happy.wav synth 0.4 sine 200-2000 tremolo 3 60 gain -6
    sox -R -n -r 8000 -b 16 sad.wav synth 0.4 pinknoise gain -3
    printf 'id\tpath\temotion\tspeaker\n%s\thappy.wav\thappy\tx\n%s\tsad.wav\tsad\tx\n' 1 2 >m.tsv
    ser-mfcc -q --rate 8000 --window 256 --hop 128 --bands 16 --coefs 8 --frames 20 -m m.tsv -o all.sert
    ser-tensor stats --by speaker all.sert -o voices.sert
    printf '%s\n' 'maxpool 8x10' 'reshape 2x1' mean 'dense classes' >small.net
    train=(ser-train -q --kernels plain --net small.net --keep last --epochs 2)
    "${train[@]}" -o plain.bin all.sert
    ser-tensor normalize --by speaker all.sert | "${train[@]}" --prior voices.sert -o voice.bin
    sox -R -n -r 8000 -b 16 a.wav synth 1.5 sine 200-2000 tremolo 3 60 gain -6
}

# A device that gives the sound of FILE and then does what a test has it do: AFTER.
setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$BATS_FILE_TMPDIR/made"/* .
    mkdir bin
    cat >bin/rec <<'END'
#!/bin/bash
echo "$AUDIODEV $*" >>rec.log
[ -z "$NONE" ] || { echo "rec FAIL formats: can't open input: $NONE" >&2; exit 2; }
[[ $* != *trim* ]] || exit 0
echo $$ >rec.pid
echo "rec WARN alsa: can't encode 0-bit Unknown or not applicable" >&2
cat "${FILE:-a.wav}"
eval "$AFTER"
END
    chmod +x bin/rec
    PATH=$PWD/bin:$PATH
    unset AUDIODEV
}

# by_hand FILE FILTER...: what the filters make of a file, which ser-listen starts
by_hand() {
    local file=$1
    shift
    ser-mfcc --like "$1" --every 0.2 <"$file" | if [ $# -gt 1 ]; then ser-tensor normalize "${@:2}"; else cat; fi | ser-score "$1" >want.tsv
}

# ended PID...: waits for the ends of processes, a minute at most
ended() {
    local i pid
    for pid; do
        for ((i = 0; i < 1200; i++)); do [ -e "/proc/$pid" ] || break; sleep 0.05; done
        [ ! -e "/proc/$pid" ] || fail "$(tr '\0' ' ' <"/proc/$pid/cmdline") is still there"
    done
}

listen=(ser-listen --every 0.2)

@test "standard input: what the filters make of it; by speaker; options for the view; a model by its name" {
    by_hand a.wav plain.bin
    "${listen[@]}" plain.bin <a.wav >p.tsv
    same p.tsv want.tsv
    cat a.wav | "${listen[@]}" plain.bin | same - want.tsv
    sox a.wav -t raw - | "${listen[@]}" --raw s16le:8000:1 plain.bin | same - want.tsv
    "${listen[@]}" --smooth 1 --hold --json plain.bin <a.wav | same - <(ser-view --smooth 1 --hold --json want.tsv)
    mkdir named && cp plain.bin named/shipped.bin
    SER_MODELS=named "${listen[@]}" shipped <a.wav | same - want.tsv
    # By speaker: learned, with a remark unless it is asked for; or known.
    by_hand a.wav voice.bin --one-speaker --adapt --prior voice.bin
    "${listen[@]}" voice.bin <a.wav 2>said | same - want.tsv
    grep -q '^ser-listen: voice.bin: .*learns your voice' said
    "${listen[@]}" --adapt voice.bin <a.wav 2>said | same - want.tsv
    [ ! -s said ]
    ser-mfcc --like voice.bin --every 0.3 a.wav | ser-tensor stats --by speaker --one-speaker -o mine.sert
    by_hand a.wav voice.bin --one-speaker --with mine.sert
    "${listen[@]}" --voice mine.sert voice.bin <a.wav 2>said | same - want.tsv
    [ ! -s said ]
    # A head hears what the network hears that it is of.
    cp plain.bin named
    ser-score -q --embed plain.bin all.sert -o e.sert
    ser-tensor stats --by speaker e.sert -o voices.sert
    printf 'dense classes\n' >head.net
    ser-tensor normalize --by speaker e.sert | ser-train -q --kernels plain --net head.net --keep last --epochs 2 --prior voices.sert -o named/head.bin
    ser-mfcc --like plain.bin --every 0.2 <a.wav | ser-score --embed plain.bin |
        ser-tensor normalize --one-speaker --adapt --prior named/head.bin --prior-weight 80 | ser-score named/head.bin >want.tsv
    "${listen[@]}" --adapt named/head.bin <a.wav 2>said | same - want.tsv
    [ ! -s said ]
    run ser-listen --every x --adapt named/head.bin <a.wav
    refute_output --partial prior-weight
    # Its network may be one that hears an encoder.
    "$ROOT/tests/make-encoder" --family hubert hubert-2x16
    mkdir deep && ser-embed -q hubert-2x16 --pool mean -m m.tsv >deep.sert
    ser-train -q --net head.net --keep last --epochs 1 -o deep/body.bin deep.sert
    ser-score -q --embed deep/body.bin deep.sert | ser-train -q --net head.net --keep last --epochs 1 -o deep/head.bin
    ser-embed --like deep/body.bin --every 0.2 <a.wav | ser-score --embed deep/body.bin | ser-score deep/head.bin >want.tsv
    "${listen[@]}" deep/head.bin <a.wav | same - want.tsv
    # A model of embeddings has its features from ser-embed.
    printf '#!/bin/sh\necho "$*" >embed.log\nexec ser-mfcc --like plain.bin --every 0.2\n' >bin/ser-embed
    chmod +x bin/ser-embed
    ser-tensor from-npy --like plain.bin --key w --set feat.type=embedding <(ser-tensor npy -k "$(ser-tensor ls plain.bin | awk 'NR == 2 {print $1}')" plain.bin) >other.bin
    run "${listen[@]}" other.bin <a.wav
    assert_equal "$(cat embed.log)" '--like other.bin --every 0.2'
}

@test "a device: named, recorded; none, gone, no program to record with" {
    by_hand a.wav plain.bin
    "${listen[@]}" -d hw:1 plain.bin >p.tsv 2>said
    same p.tsv want.tsv
    assert_equal "$(cat said)" "ser-listen: listens to the device 'hw:1'"
    grep -qx 'hw:1 -q .*-t wav -' rec.log
    AUDIODEV=mine "${listen[@]}" -qd hw:2 --record r.wav plain.bin </dev/null | same - want.tsv
    same r.wav a.wav
    same r.wav.tsv want.tsv
    fails 4 'r.wav: exists' "${listen[@]}" -d x --record r.wav plain.bin
    fails 4 'no/r.wav: cannot write' "${listen[@]}" -d x --record no/r.wav plain.bin
    same r.wav a.wav
    NONE='no such card' fails 4 "^ser-listen: device 'x' cannot be opened: no such card: .*arecord -l.*--device" "${listen[@]}" -d x plain.bin
    fails 4 'r.big: the sound could not be kept' bash -c 'ulimit -f 4; exec ser-listen -q --every 0.2 --record r.big plain.bin <a.wav >/dev/null'
    NONE='x: Sorry, there is no default audio device configured' fails 4 "device 'x' cannot be opened: SoX knows no such device.*libsox-fmt-alsa" "${listen[@]}" -d x plain.bin
    # What came before it vanished is there.
    AFTER='echo "rec FAIL alsa: gone" >&2; exit 2' run --separate-stderr "${listen[@]}" -qd x plain.bin
    assert_equal "$status" 4
    same <(echo "$output") want.tsv
    assert_equal "$stderr" $'rec FAIL alsa: gone\nser-listen: device \'x\' has stopped: see above'
    FILE=/dev/null AFTER='exit 2' run --separate-stderr "${listen[@]}" -qd x plain.bin
    assert_equal "$status" 4
    # It brings more than anybody hears, and ends only where it cannot write, as SoX does: nobody waits for another.
    AFTER='trap "" TERM; cat /dev/zero' timeout 60 "${listen[@]}" -qd x --record more.wav plain.bin >p.tsv
    same p.tsv want.tsv
    rm bin/rec
    mkdir none && for tool in bash dirname mktemp rm sed grep awk getopt ser-score ser-tensor; do ln -s "$(command -v $tool)" none; done
    PATH=none fails 4 "rec is missing.*sox" bash "$(command -v ser-listen)" -d x plain.bin
}

@test "q, and a signal to the script alone, end everything, also what records, which is silent" {
    export AFTER='exec sleep 1000'
    if have_terminal; then
        TERM=xterm "$BUILD/unit/terminal" 60x12 wait=stdin@1. screen key=q -- "${listen[@]}" -d hw:1 plain.bin >got
        grep -q 'stdin@1.*q quits$' got
        grep -qx 'exit 0' got
        grep -qx 'modes same, screen same, cursor same' got
        ended "$(<rec.pid)"
    fi
    mkfifo rows
    "${listen[@]}" -qd hw:1 plain.bin >rows &
    exec 8<rows
    while IFS= read -r row <&8 && [[ $row != stdin@1.* ]]; do :; done
    [[ $row = stdin@1.* ]]
    kill $!
    wait $! || status=$?
    assert_equal "$status" 143
    timeout 60 cat <&8 >rest # to its end: nobody holds it any more
    exec 8<&-
    ended "$(<rec.pid)"
}

@test "what cannot be: the command line, models" {
    fails 2 'a model is needed' ser-listen
    fails 2 'more than a model is given: sound comes on standard input' ser-listen plain.bin a.wav
    fails 3 'a.wav: cannot be used as a model: .* < FILE' ser-listen a.wav
    fails 2 'only one of them' ser-listen --adapt --voice mine.sert voice.bin
    fails 2 'plain.bin: takes every voice as it is' ser-listen --adapt plain.bin
    fails 2 'about standard input' ser-listen -d x --raw s16le:8000:1 plain.bin
    fails 2 "every: 'x' is not a number" ser-listen --every x plain.bin
    fails 2 "smooth: 'x' is not a number" ser-listen --smooth x plain.bin <a.wav
    fails 2 'nowhere: no such file, and no model of that name' ser-listen nowhere
    ser-tensor normalize --by all all.sert | ser-train -q --kernels plain --net small.net --keep last --epochs 1 -o pooled.bin
    fails 2 'normalised by all' ser-listen pooled.bin
    fails 3 'all.sert' ser-listen all.sert
    # Of what goes wrong in the pipe, the first cause is told, and nothing that follows from it.
    run --separate-stderr ser-listen plain.bin </dev/null
    assert_equal "$status" 3
    assert_equal "$stderr" 'ser-mfcc: <stdin>: empty input: audio or an audio stream is needed'
    ser-mfcc -q a.wav | ser-tensor stats --by speaker --one-speaker -o other.sert
    fails 3 'other.sert: statistics of other features' ser-listen --voice other.sert voice.bin <a.wav
}

# bad CODE PATTERN ROWS COMMAND...: the first cause is told, alone, behind so many rows, or some
bad() {
    run --separate-stderr "${@:4}"
    assert_equal "$status" "$1"
    [[ $stderr =~ $2 ]] || fail "stderr: $stderr"
    assert_equal "$(wc -l <<<"$stderr")" 1
    [ "$3" = some ] || assert_equal "${#lines[@]}" $(($3 + 1))
}

@test "sound that is not as it should be: its message, or its right behaviour" {
    by_hand a.wav plain.bin
    # Bursts, slow and fast: time comes from the samples.
    perl -e 'local $/; $_ = <>; for my $n (44, 1, 2, 30, 7000, 3, 800, 1 << 20) { syswrite STDOUT, substr($_, 0, $n, ""); select undef, undef, undef, 0.02 }' a.wav |
        "${listen[@]}" plain.bin | same - want.tsv
    # Eight channels, their mean; 5 ms; less than a window.
    sox a.wav -c 8 eight.wav
    ser-cmp --values --atol 1e-6 <(ser-mfcc --like plain.bin --every 0.2 <eight.wav) <(ser-mfcc --like plain.bin --every 0.2 <a.wav)
    "${listen[@]}" plain.bin <eight.wav | cut -f 1 | diff - <(cut -f 1 want.tsv)
    for seconds in 0.005 0.3; do
        sox a.wav short.wav trim 0 $seconds
        cat short.wav | "${listen[@]}" plain.bin | cut -f 1 | diff - <(printf 'id\nstdin@0.000\n')
    done
    # No number; cut; another rate behind the first recording, whose length is known or not.
    { sox a.wav -t raw -e float -b 32 - && printf '\0\0\300\177'; } >nan.raw
    bad 3 'frame 12000 is not a finite number' some bash -c "cat nan.raw | ${listen[*]} --raw f32le:8000:1 plain.bin"
    bad 3 'cut short: has 4978 of 12000 frames' 2 bash -c "head -c 10000 a.wav | ${listen[*]} plain.bin"
    sox -R -n -r 16000 -c 3 b.wav synth 1 sine 300
    for file in a b; do
        { head -c 4 $file.wav; printf '\377\377\377\377'; tail -c +9 $file.wav | head -c 32; printf '\377\377\377\377'; tail -c +45 $file.wav; } >endless-$file.wav
    done
    cat endless-a.wav | "${listen[@]}" plain.bin | same - want.tsv
    bad 3 'another recording follows behind 1.500 s' 6 bash -c "cat a.wav b.wav | ${listen[*]} plain.bin"
    bad 3 'another recording follows behind 1.500 s' 6 bash -c "cat endless-a.wav b.wav | ${listen[*]} plain.bin"
    bad 3 'another recording follows behind 1.500 s' 6 bash -c "{ cat endless-a.wav && head -c 2 b.wav && sleep 0.2 && tail -c +3 b.wav; } | ${listen[*]} plain.bin"
    bad 3 'another recording follows behind 1.000 s' 3 bash -c "cat endless-b.wav a.wav | ${listen[*]} plain.bin"
    printf 'not a sound' >x
    bad 3 'ser-mfcc: <stdin>: ' -1 bash -c "cat x | ${listen[*]} plain.bin"
}

# processes: those that work in the folder here
processes() {
    find /proc -maxdepth 2 -name cwd -lname "$PWD/here" 2>/dev/null | cut -d / -f 3
}

@test "a source that stalls: rows stop, nothing spins; a reader that closes: all ends, while the source is silent" {
    mkfifo sound rows
    mkdir here && cp voice.bin here
    (cd here && exec "${listen[@]}" --adapt voice.bin) <sound >rows 2>said &
    exec 7>sound 8<rows
    cat a.wav >&7
    for _ in 1 2 3 4 5 6 7; do read -r -t 60 row <&8; done
    [[ $row = stdin@1.* ]]
    [ "$(processes | wc -l)" -ge 5 ]
    # At rest: all sleep, and none was woken meanwhile. What spins is never so, however little of the processor it gets.
    look() { processes | while read -r p; do grep -E '^State|ctxt' "/proc/$p/status" || :; done; }
    for _ in {1..60}; do
        before=$(look)
        sleep 0.5
        [[ $before = *$'\tR '* || $before != "$(look)" ]] || break
        before=''
    done
    [ -n "$before" ] || fail "something spins: $(look)"
    mapfile -t there < <(processes)
    exec 8<&-
    ended "${there[@]}" # though nothing comes, and the source is open
    exec 7>&-
    wait
    [ ! -s said ]
}
