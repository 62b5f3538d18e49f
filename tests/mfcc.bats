#!/usr/bin/env bats
# ser-mfcc: every format in, librosa's values out, clear words about anything else.
load helper

tone() { # tone FILE [SOX OUTPUT OPTION...]: 0.4 s of a rising tone
    local file=$1
    shift
    sox -n -r 48000 -b 16 "$@" "$file" synth 0.4 sine 200-2000 gain -6
}

# close_to A B TOLERANCE: streams with the same values within it, whatever their keys are
close_to() {
    run ser-cmp --values --atol "$3" "$1" "$2"
    assert_success
}

@test "the committed golden recordings give librosa's values" {
    n=0
    for wav in "$ROOT"/tests/golden/mfcc/*.wav; do
        ser-tensor from-npy "${wav%.wav}.mfcc.npy" >want.sert
        ser-mfcc --frames 0 "$wav" >got.sert
        close_to got.sert want.sert 1e-3
        n=$((n + 1))
    done
    [ "$n" -ge 2 ]
}

@test "every reference recording gives librosa's values (SER_REFERENCE)" {
    if [ -z "${SER_REFERENCE:-}" ]; then
        echo "# left out: SER_REFERENCE is not set" >&3
        return 0
    fi
    for wav in "$SER_REFERENCE"/mfcc/*.wav; do
        ser-tensor from-npy "${wav%.wav}.mfcc.npy" >want.sert
        ser-mfcc --frames 0 "$wav" >got.sert
        close_to got.sert want.sert 1e-3
        ser-mfcc --frames 0 <"$wav" >got.sert
        close_to got.sert want.sert 1e-3
    done
}

@test "values differ when the audio does" {
    tone a.wav
    sox -n -r 48000 -b 16 b.wav synth 0.4 sine 200-2100 gain -6
    ser-mfcc a.wav >a.sert
    ser-mfcc b.wav >b.sert
    run ser-cmp --values --atol 1e-3 a.sert b.sert
    assert_failure 1
}

@test "containers and encodings: the same values from a file, from standard input and from a pipe" {
    tone ref.wav
    ser-mfcc ref.wav >ref.sert
    tone 24.wav -b 24
    tone float.wav -e float -b 32
    tone u8.wav -e unsigned -b 8
    tone ulaw.wav -e u-law -b 8
    tone a.flac
    tone a.aiff
    tone a.au
    tone a.ogg
    for f in 24.wav float.wav u8.wav ulaw.wav a.flac a.aiff a.au a.ogg; do
        ser-mfcc "$f" >file.sert
        ser-mfcc <"$f" >stdin.sert
        cat "$f" | ser-mfcc >pipe.sert
        same stdin.sert pipe.sert
        close_to file.sert stdin.sert 0
        case $f in
        24.wav | float.wav | a.flac | a.aiff | a.au) close_to file.sert ref.sert 2 ;;
        esac
    done
}

@test "eight channels are averaged, any rate is resampled" {
    tone one.wav
    sox one.wav eight.wav remix 1 1 1 1 1 1 1 1
    ser-mfcc one.wav >one.sert
    ser-mfcc eight.wav >eight.sert
    close_to one.sert eight.sert 1e-3
    for rate in 8000 11025 44100 96000 192000; do
        sox -n -r "$rate" -b 24 r.wav synth 0.4 sine 300
        ser-mfcc r.wav | ser-tensor check
    done
}

@test "a WAV of unknown length from a pipe works" {
    tone a.wav
    ser-mfcc <a.wav >a.sert
    sox a.wav -t wav - | ser-mfcc >b.sert
    same a.sert b.sert
    # The sizes that programs write when they cannot know: 0, SoX's 0x7ffff000, and all ones.
    for size in '\000\000\000\000' '\000\360\377\177' '\377\377\377\377'; do
        { head -c 40 a.wav; printf '%b' "$size"; tail -c +45 a.wav; } >unknown.wav
        ser-mfcc <unknown.wav >b.sert
        same a.sert b.sert
        ser-mfcc unknown.wav >b.sert
        close_to a.sert b.sert 0
    done
}

@test "a WAV that was cut short is refused, wherever it was cut" {
    tone a.wav
    size=$(stat -c %s a.wav)
    for n in 4 11 20 30 43 44 45 1000 $((size - 1)); do
        head -c "$n" a.wav >cut.wav
        fails 3 "cut.wav" ser-mfcc cut.wav
        fails 3 "<stdin>" ser-mfcc <cut.wav
    done
}

@test "no audio: a message, exit 3, no output" {
    echo "this is text, and no audio" >text.wav
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n' >pointer.wav
    : >empty.wav
    sox -n -r 22050 -b 16 none.wav trim 0 0
    head -c 3000 /dev/urandom >noise.wav
    fails 3 "text.wav: " ser-mfcc text.wav -o out.sert
    fails 3 "pointer.wav: .*LFS" ser-mfcc pointer.wav -o out.sert
    fails 3 "empty.wav: .*empty" ser-mfcc empty.wav -o out.sert
    fails 3 "none.wav: .*no samples" ser-mfcc none.wav -o out.sert
    # What lies behind an empty data chunk is no sound where the file says how long it is.
    { printf 'RIFF\x3c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x22\x56\0\0\x44\xac\0\0\2\0\x10\0data\0\0\0\0'
      printf 'LIST\x10\0\0\0INFOISFT\4\0\0\0Lav\0'; } >tag.wav
    fails 3 "tag.wav: .*no samples" ser-mfcc tag.wav -o out.sert
    fails 3 "noise.wav: " ser-mfcc noise.wav -o out.sert
    fails 3 "<stdin>: empty input" ser-mfcc -o out.sert </dev/null
    # Where a program before in the pipe has failed, the second line does not look for the fault here.
    for command in 'ser-cmp - none.sert' 'ser-eval'; do
        run bash -c "ser-mfcc gone.wav | $command"
        assert_line --index 1 --regexp '^ser-[a-z]*: <stdin>: empty input: a .* is needed: the program before it in the pipe failed, or wrote nothing$'
    done
    fails 3 "<stdin>: " ser-mfcc -o out.sert <text.wav
    [ ! -e out.sert ]
    [ -z "$(find . -name '.ser-*')" ]
}

@test "not-a-number in a float file is refused" {
    sox -n -r 22050 -e float -b 32 a.wav synth 0.1 sine 300
    size=$(stat -c %s a.wav)
    { head -c $((size - 4)) a.wav; printf '\000\000\300\177'; } >nan.wav
    fails 3 "nan.wav: .*(not a number|finite)" ser-mfcc nan.wav
}

@test "a missing file and a folder are named, exit 4" {
    mkdir folder
    fails 4 "none.wav: cannot open: No such file" ser-mfcc none.wav
    fails 4 "folder: .*folder" ser-mfcc folder
}

@test "manifests: columns, missing files, double ids, attributes" {
    tone a.wav
    tone 'b c"$(touch x).wav'
    printf 'id\tpath\temotion\tspeaker\tcorpus\tsex\tpart\n' >m.tsv
    printf 'u1\ta.wav\tsad\ts1\tc\t-\ttrain\nu2\tb c"$(touch x).wav\thappy\ts2\tc\tfemale\tval\n' >>m.tsv
    ser-mfcc -m m.tsv -o m.sert
    [ ! -e x ]
    run ser-tensor ls m.sert
    assert_line --partial "u1"
    assert_line --partial "emotion=sad"
    assert_line --partial "sex=female"
    refute_output --partial "sex=-"

    ser-mfcc -m - <m.tsv | cmp - m.sert
    cut -f 1,3 m.tsv >nopath.tsv
    fails 3 "nopath.tsv: no column 'path'" ser-mfcc -m nopath.tsv
    { cat m.tsv; sed -n 2p m.tsv; } >twice.tsv
    fails 3 "row 3.*u1.*twice" ser-mfcc -m twice.tsv -o out.sert
    sed 's/a.wav/gone.wav/' m.tsv >gone.tsv
    fails 4 "gone.wav: cannot open" ser-mfcc -m gone.tsv -o out.sert
    [ ! -e out.sert ]
    fails 2 "either --manifest or files" ser-mfcc -m m.tsv a.wav
}

@test "the output does not depend on the number of jobs" {
    printf 'id\tpath\n' >m.tsv
    for i in $(seq 1 30); do
        sox -n -r 48000 -b 16 "$i.wav" synth 0.$((i % 7 + 1)) sine $((100 + i))
        printf 'u%d\t%d.wav\n' "$i" "$i" >>m.tsv
    done
    ser-mfcc -j 1 -m m.tsv -o 1.sert
    for j in 2 3 7; do
        ser-mfcc -j "$j" -m m.tsv -o j.sert
        same 1.sert j.sert
    done
    ser-mfcc -j 3 ./*.wav >a.sert
    ser-mfcc -j 1 ./*.wav >b.sert
    same a.sert b.sert
}

@test "--keep-going skips, says so, and exits 3 with the rest written" {
    tone a.wav
    tone c.wav
    echo no >b.wav
    run --separate-stderr ser-mfcc -k a.wav b.wav c.wav none.wav -o out.sert
    assert_failure 3
    [[ $stderr == *"b.wav: "*"none.wav: "*"2 of 4 recordings were skipped"* ]] || fail "$stderr"
    [ "$(ser-tensor ls out.sert | grep -c '\.wav')" = 2 ]
    fails 3 "b.wav" ser-mfcc a.wav b.wav c.wav -o none.sert
    [ ! -e none.sert ]
}

@test "settings change the shape and the recipe" {
    tone a.wav
    check() { # check SHAPE OPTION...
        local shape=$1
        shift
        run ser-tensor ls <(ser-mfcc "$@" a.wav)
        assert_output --partial "$shape"
    }
    check 40x174
    check 13x174 --coefs 13
    check 40x18 --frames 0
    check 40x35 --frames 0 --hop 256
    check 64x174 --type logmel --bands 64
    check 120x174 --deltas 2
    check 40x13 --frames 0 --rate 16000
    fails 2 "--coefs 200: not in 1..bands, which is 128" ser-mfcc --coefs 200 a.wav
    fails 2 "--coefs 40: not in 1..bands, which is 20" ser-mfcc --bands 20 a.wav
    fails 2 "--window 1023: not an even number" ser-mfcc --window 1023 a.wav
    fails 2 "--hop 4096: not in 1..window, which is 2048" ser-mfcc --hop 4096 a.wav
    fails 2 "--fmax 12000: not in 0..rate/2, which is 11025 Hz" ser-mfcc --fmax 12000 a.wav
    fails 2 "--fmin 5000: not below fmax, which is 4000" ser-mfcc --fmin 5000 --fmax 4000 a.wav
    fails 2 "from 1 to 65536" ser-mfcc --hop 0 a.wav
}

@test "mel bands that hold nothing are told once, with their number" {
    tone a.wav
    run --separate-stderr ser-mfcc -j 2 --type logmel --rate 44100 --window 1024 --fmax 2000 -o x.sert a.wav a.wav
    assert_success
    # In librosa, filters.mel(sr=44100, n_fft=1024, n_mels=128, fmax=2000) has as many rows of zeros.
    assert_equal "$stderr" "ser-mfcc: 39 of 128 mel bands lie between two bins of the spectrum, and are empty in all \
recordings: take fewer --bands, or a longer --window"
    run --separate-stderr ser-mfcc -q --window 256 --hop 128 -o x.sert a.wav
    assert_success
    assert_equal "$stderr" ""
    run --separate-stderr ser-mfcc -o x.sert a.wav
    assert_equal "$stderr" ""
}

@test "what was not heard is told at the end" {
    sox -D -n -r 22050 -b 16 silent.wav trim 0 1
    sox -D silent.wav constant.wav dcshift 0.3
    sox -n -r 22050 -b 16 short.wav synth 0.05 sine 300
    sox -n -r 22050 -b 16 long.wav synth 34.25 sine 300
    sox -n -r 22050 -b 16 longer.wav synth 10 sine 300
    tone a.wav
    for j in 1 3; do
        run --separate-stderr ser-mfcc -j $j -o x.sert a.wav silent.wav constant.wav short.wav long.wav longer.wav
        assert_success
        assert_equal "$stderr" "\
ser-mfcc: 2 of 6 recordings are silent in all that is used: nothing above -60 dBFS
ser-mfcc: 1 of 6 recordings is shorter than the window of 2048 samples
ser-mfcc: 2 of 6 recordings are longer than 174 frames: 36.2 of 44.2 s not used; --frames 0 keeps all"
    done
    # The records carry the same, and nothing where there is nothing to be said.
    heard() { ser-tensor ls -c heard_s,unheard_s,silent x.sert | sed 1d | cut -f 1,4- | tr '\t' ' '; }
    assert_equal "$(heard)" "a.wav - - -
silent.wav - - yes
constant.wav - - yes
short.wav 0.050 - -
long.wav - 30.210 -
longer.wav - 5.960 -"
    # Of another stream's word on it nothing stays.
    sox -n -r 22050 -b 16 long2.wav synth 1 sine 300
    printf '%s\t%s\n' id path l long.wav s silent.wav t long2.wav >m.tsv
    ser-mfcc -q -m m.tsv -o y.sert
    ser-augment --keep m.tsv | ser-mfcc -q | cmp - y.sert
    # What was not used does not make a recording heard.
    sox -n -r 22050 -b 16 late.wav synth 2 sine 300 pad 4.1 0
    sox -n -r 22050 -b 16 early.wav synth 2 sine 300 pad 0 4.1
    run --separate-stderr ser-mfcc -o x.sert late.wav early.wav
    assert_equal "$stderr" "\
ser-mfcc: 1 of 2 recordings is silent in all that is used: nothing above -60 dBFS
ser-mfcc: 2 of 2 recordings are longer than 174 frames: 4.1 of 12.2 s not used; --frames 0 keeps all"
    assert_equal "$(heard)" "late.wav - 2.060 yes
early.wav - 2.060 -"
    ser-mfcc -q --frames 0 -o x.sert late.wav early.wav
    assert_equal "$(heard)" "late.wav - - -
early.wav - - -"
    # What fits exactly is used: 174 frames are there up to 89087 samples.
    sox -r 22050 -n -b 16 fits.wav synth 89087s sine 300
    sox -r 22050 -n -b 16 more.wav synth 89088s sine 300
    for way in "-q long.wav short.wav silent.wav" "--frames 0 long.wav" fits.wav; do
        # shellcheck disable=SC2086
        run --separate-stderr ser-mfcc $way -o x.sert
        assert_success
        assert_equal "$stderr" ""
    done
    run --separate-stderr ser-mfcc more.wav -o x.sert
    assert_equal "$stderr" "ser-mfcc: 1 of 1 recording is longer than 174 frames: 0.0 of 4.0 s not used; --frames 0 keeps all"
}

@test "ser-manifest --check and ser-mfcc agree on what silence is" {
    local db offset
    mkdir -p f/sad
    for db in 55 59.9 60.1 61 80; do
        for offset in 0 0.3 -0.6; do
            perl -e '($a, $o) = (10 ** (-$ARGV[0] / 20), $ARGV[1]); print pack "f<*", map $o + $a * sin($_ / 9), 1 .. 4410' \
                "$db" "$offset" | sox -D -t raw -r 22050 -e float -b 32 -c 1 - "f/sad/$db.$offset.wav"
        done
    done
    ser-mfcc -q f/sad/*.wav | ser-tensor ls -c silent - | awk -F '\t' '$4 == "yes" {print $1}' >mfcc
    ser-manifest --check --corpus folders f 2>&1 >/dev/null | sed -n 's/^ser-manifest: \(.*\): silent: .*/\1/p' | sort >manifest
    same mfcc manifest
    assert_equal "$(wc -l <mfcc)" 9
}

@test "the mark of generated speech travels" {
    tone a.wav
    printf 'id\tpath\tgenerated\na\ta.wav\tyes\nb\ta.wav\t-\nc\ta.wav\tno\n' >m.tsv
    marks() { ser-tensor ls -c generated - | sed 1d | cut -f 4 | xargs; }
    assert_equal "$(ser-mfcc -q -m m.tsv | marks)" "yes - no"
    assert_equal "$(ser-augment -q --keep --noise 0.1 m.tsv | marks)" "yes yes - - no no"
    assert_equal "$(ser-augment -q --keep m.tsv | ser-mfcc -q | marks)" "yes - no"
}

@test "--like takes the whole recipe from a model or from features" {
    tone a.wav
    recipe=(--type logmel --rate 16000 --window 512 --hop 200 --bands 48 --fmin 30.5 --fmax 7000 --top-db 60 --frames 50 --deltas 1)
    ser-mfcc "${recipe[@]}" a.wav -o first.sert
    ser-mfcc --like first.sert a.wav -o second.sert
    same first.sert second.sert
    ser-mfcc a.wav -o plain.sert
    ser-mfcc --like plain.sert a.wav | cmp - plain.sert
    # From a model: what it makes is what the model scores.
    for i in 1 2 3 4; do
        printf 'u%d\ta.wav\t%s\ts%d\n' "$i" "$([ $((i % 2)) = 0 ] && echo sad || echo happy)" "$i"
    done | cat <(printf 'id\tpath\temotion\tspeaker\n') - >m.tsv
    head -3 m.tsv | ser-mfcc -m - "${recipe[@]}" -o train.sert
    sed 2,3d m.tsv | ser-mfcc -m - "${recipe[@]}" -o val.sert
    printf 'reshape 50x96\nmean\ndense classes\n' >n.net
    ser-train -q --net n.net --val val.sert --epochs 1 -o model.bin train.sert
    ser-mfcc --like model.bin a.wav | ser-score model.bin >p.tsv
    fails 3 "features of another recipe: feat.bands is 128, the model wants 48: make them again with 'ser-mfcc --like MODEL'" \
        ser-score model.bin plain.sert -o q.tsv
    fails 2 "--like model.bin takes the whole recipe from there: leave out --hop" ser-mfcc --like model.bin --hop 200 a.wav
    fails 4 "none.bin: cannot open" ser-mfcc --like ./none.bin a.wav
    ser-tensor from-npy "$ROOT"/tests/golden/mfcc/noise-8k-ulaw.mfcc.npy -o foreign.sert
    fails 3 "foreign.sert: holds no recipe: feat.type is missing" ser-mfcc --like foreign.sert a.wav
    # The rate alone matters to ser-augment.
    ser-augment --any-part --noise 0.01 --like model.bin m.tsv -o a.sert
    ser-augment --any-part --noise 0.01 --rate 16000 m.tsv | cmp - a.sert
    fails 2 "takes the rate from there: leave out --rate" ser-augment --keep --like model.bin --rate 16000 m.tsv
}

@test "--trim, --pad and --normalize: in the recipe where they are given, and from there" {
    sox -R -n -r 22050 -b 16 part.wav synth 0.5 pinknoise
    sox part.wav whole.wav pad 0.8 0.7
    frames() { # of whole.wav, with these options
        ser-mfcc -q --frames 0 "$@" whole.wav | ser-tensor ls -c frames | tail -1 | cut -f 4
    }
    [ "$(frames)" = 87 ]
    # The sound begins at sample 17640 and ends at 28665: frames 33 to 57 are louder than -35 dB.
    [ "$(frames --trim 35)" = 26 ]
    [ "$(frames --trim 35:0.1)" = 34 ]
    [ "$(frames --trim 35:9)" = 87 ]
    ser-mfcc -q --trim 35:0.1 --pad floor --normalize utterance whole.wav -o all.sert
    ser-tensor ls -H all.sert | grep -E '^feat\.(trim|pad|norm)' |
        diff - <(printf '%s\n' feat.norm=utterance feat.pad=floor feat.trim_db=35 feat.trim_margin_s=0.1)
    ser-mfcc -q --like all.sert whole.wav | cmp - all.sert
    # What stands in the recipe only where it differs, is not there otherwise.
    run bash -c "ser-mfcc -q --pad zero --normalize none whole.wav | ser-tensor ls -H | grep -cE '^feat\.(trim|pad|norm)'"
    assert_output 0
    # Silence is padding of the floor: row 0 has the same value behind the sound, whichever it is.
    ser-mfcc -q --frames 60 --top-db 50 part.wav | ser-tensor text | sed -n 2p | cut -d ' ' -f 60- | grep -qE '^(0 )+0 *$'
    ser-mfcc -q --frames 60 --top-db 50 --pad floor part.wav | ser-tensor text | sed -n 2p |
        awk '{for (i = 30; i <= 60; i++) bad += $i > -100 || $i != $60; exit bad > 0}'
    ser-mfcc -q --trim 35 whole.wav -o trimmed.sert
    ser-mfcc -q whole.wav -o plain.sert
    fails 3 'feat.trim_db is unset, but 35 in the first stream' ser-tensor cat trimmed.sert plain.sert
    fails 2 "--like all.sert takes the whole recipe from there: leave out --trim" ser-mfcc --like all.sert --trim 30 whole.wav
    fails 2 "--trim '0': not decibels above 0 and up to 200" ser-mfcc --trim 0 whole.wav
    fails 2 "--trim '35:x': the margin is not 0..60 seconds" ser-mfcc --trim 35:x whole.wav
    ser-tensor from-npy --like all.sert --set feat.pad=hum "$ROOT"/tests/golden/mfcc/noise-8k-ulaw.mfcc.npy -o odd.sert
    fails 3 "odd.sert: its recipe is damaged: feat.pad cannot be 'hum'" ser-mfcc --like odd.sert whole.wav
}

@test "--append: rows of energy, pitch and voicing, in the recipe" {
    # A voice of 220 Hz, which is 36 semitones above 27.5 Hz, then noise.
    sox -R -n -r 22050 -b 16 tone.wav synth 0.5 sawtooth 220
    sox -R -n -r 22050 -b 16 hiss.wav synth 0.5 whitenoise gain -20
    sox tone.wav hiss.wav a.wav
    ser-mfcc -q --frames 0 --coefs 2 --append energy,f0,voicing a.wav -o a.sert
    ser-tensor ls -H a.sert | grep -qx feat.append=energy,f0,voicing
    ser-tensor text a.sert | awk 'NF == 44 {row++; if (row == 4) {for (i = 3; i < 20; i++) if ($i < 35.9 || $i > 36.1) bad++; for (i = 26; i < 43; i++) bad += $i != 0}}
        END {exit row != 4 || bad > 0}'
    ser-mfcc -q --like a.sert a.wav | cmp - a.sert
    # In any order of words, and some of them; behind the differences.
    ser-mfcc -q --frames 0 --coefs 2 --append voicing,energy,f0 a.wav | cmp - a.sert
    ser-mfcc -q --deltas 2 --append f0 a.wav | ser-tensor ls | grep -qP '\t121x174\t'
    fails 2 "--append 'f1': not some of energy, f0 and voicing" ser-mfcc --append f1 a.wav
    fails 2 "--append 'f0,f0': not some" ser-mfcc --append f0,f0 a.wav
    fails 2 "--append '': not some" ser-mfcc --append '' a.wav
    fails 2 "takes the whole recipe from there: leave out --append" ser-mfcc --like a.sert --append f0 a.wav
    ser-tensor from-npy --like a.sert --set feat.append=f0:energy "$ROOT"/tests/golden/mfcc/noise-8k-ulaw.mfcc.npy -o odd.sert
    fails 3 "odd.sert: its recipe is damaged: feat.append cannot be 'f0:energy'" ser-mfcc --like odd.sert a.wav
}

@test "an audio stream of another kind, or a features stream, is refused" {
    tone a.wav
    ser-mfcc a.wav >f.sert
    fails 3 "<stdin>: a stream of kind features, but audio is needed" ser-mfcc <f.sert
}

@test "output that cannot be written: exit 4, nothing left behind" {
    tone a.wav
    run --separate-stderr bash -c 'ser-mfcc a.wav > /dev/full'
    assert_failure 4
    fails 4 "nowhere/out.sert: cannot write" ser-mfcc a.wav -o nowhere/out.sert
    fails 4 "/proc/out.sert: cannot write" ser-mfcc a.wav -o /proc/out.sert
    run --separate-stderr bash -c 'ser-mfcc a.wav >&-'
    assert_failure 4
    run --separate-stderr bash -c 'ser-mfcc <&-'
    assert_failure 4
    # A reader that leaves: the writer dies of SIGPIPE.
    run bash -c 'set -o pipefail; for i in $(seq 200); do echo a.wav; done | xargs ser-mfcc | head -c 1 >/dev/null'
    assert_failure
}

@test "what fails is told with its row of the manifest" {
    tone a.wav
    printf 'id\tpath\tspeaker\nu1\ta.wav\ts1\nu2\tnone.wav\t\nu3\t\t-\n' >m.tsv
    fails 4 "m.tsv: row 2 \(u2\): none.wav: cannot open" ser-mfcc -m m.tsv -o x.sert
    run --separate-stderr ser-mfcc --keep-going -m m.tsv -o x.sert
    assert_failure 3
    [[ $stderr == *"m.tsv: row 3 (u3): : cannot open"* ]] || fail "$stderr"
    sed -i 2d m.tsv
    printf 'id\tpath\tspeaker\nu2\ta.wav\t\n' | ser-mfcc -m - | ser-tensor ls >ls.tsv
    run cat ls.tsv
    refute_output --partial speaker # what is empty is unknown
}

@test "a table from a spreadsheet: a byte order mark, lines that end in CR LF" {
    tone a.wav
    printf '\357\273\277id\tpath\r\nu1\ta.wav\r\n' >m.tsv
    ser-mfcc -m m.tsv -o x.sert
    [ "$(ser-tensor ls x.sert | cut -f 1 | tail -1)" = u1 ]
    # An empty last line is no row; one in the middle is a damaged one.
    printf 'id\tpath\nu1\ta.wav\n\n' | ser-mfcc -m - | cmp - x.sert
    printf 'id\tpath\r\nu1\ta.wav\r\n\r\n' | ser-mfcc -m - | cmp - x.sert
    printf 'id\tpath\n\nu1\ta.wav\n' >m.tsv
    fails 3 "m.tsv: row 1 \(\): 1 field, the header has 2" ser-mfcc -m m.tsv
    # What cannot be read is named, with the command that converts it.
    printf 'id\tpath\ru1\ta.wav\r' >cr.tsv
    fails 3 "cr.tsv: its lines end with a carriage return alone.*tr '.r' '.n'" ser-mfcc -m cr.tsv
    tr '\r' '\n' <cr.tsv | ser-mfcc -m - | cmp - x.sert
    iconv -f UTF-8 -t UTF-16 <(tr '\r' '\n' <cr.tsv) >wide.tsv
    fails 3 "wide.tsv: its text is UTF-16.*iconv -f UTF-16 -t UTF-8" ser-mfcc -m wide.tsv
    iconv -f UTF-16 -t UTF-8 wide.tsv | ser-mfcc -m - | cmp - x.sert
}

@test "inputs that are mistaken for files" {
    tone a.wav
    ser-mfcc a.wav -o f.sert
    fails 3 "f.sert: a tensor stream, not an audio file: 'ser-mfcc < FILE'" ser-mfcc f.sert a.wav
    fails 2 "standard input cannot be one of several" ser-mfcc a.wav - <a.wav
}
