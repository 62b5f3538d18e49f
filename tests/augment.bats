#!/usr/bin/env bats
# ser-augment: the same records whatever the order, the pieces and the threads; clear words otherwise.
load helper

# manifest ID...: m.tsv with a second of another rising tone for each id
manifest() {
    local id n=0
    printf 'id\tpath\tcorpus\tspeaker\tsex\temotion\tpart\n' >m.tsv
    for id; do
        n=$((n + 1))
        sox -n -r 16000 -b 16 "$id.wav" synth 1 sine $((200 * n))-$((1000 + 100 * n)) gain -6
        printf '%s\t%s.wav\tdemo\tdemo_%d\tmale\thappy\ttrain\n' "$id" "$id" "$n" >>m.tsv
    done
}

every=(--keep --noise 0.005 --snr 5:20 --pitch -3:3 --shift 100 --speed 0.9:1.1)

# records FILE: a line a record, values and all, sorted
records() {
    paste <(ser-tensor ls "$1" | tail -n +2) <(ser-tensor text "$1") | sort
}

# values FILE KEY: a number a line
values() {
    ser-tensor text -k "$2" "$1" | tr ' ' '\n' | grep -E '^-?[0-9.]+(e|$)'
}

# hertz RATE: of the tone on standard input, by its zero crossings upwards in the middle half
hertz() {
    awk -v rate="$1" '{ x[NR] = $1 }
        END {
            for (i = int(NR / 4); i < 3 * NR / 4; i++)
                if (x[i] < 0 && x[i + 1] >= 0) {
                    at = i + x[i] / (x[i] - x[i + 1])
                    if (!n++) first = at
                    last = at
                }
            printf "%.3f\n", (n - 1) * rate / (last - first)
        }'
}

# about A B PERCENT
about() {
    awk -v a="$1" -v b="$2" -v p="$3" 'BEGIN { d = (a - b) / b * 100; exit !(d < p && d > -p) }' ||
        fail "$1 is not $2 within $3 %"
}

@test "one record a kind and copy, in order, with attributes that travel along" {
    manifest a b
    ser-augment "${every[@]}" --copies 2 m.tsv >a.sert
    assert_equal "$(ser-tensor ls a.sert | tail -n +2 | cut -f 1 | xargs)" \
        "a a#noise.1 a#noise.2 a#snr.1 a#snr.2 a#pitch.1 a#pitch.2 a#shift.1 a#shift.2 a#speed.1 a#speed.2 b b#noise.1 b#noise.2 b#snr.1 b#snr.2 b#pitch.1 b#pitch.2 b#shift.1 b#shift.2 b#speed.1 b#speed.2"
    assert_equal "$(ser-tensor ls -c emotion,speaker,corpus,sex,part,aug a.sert | sed -n 3p | cut -f 2-)" \
        "$(printf 'f32\t22050\thappy\tdemo_1\tdemo\tmale\ttrain\tnoise=0.005')"
    assert_equal "$(ser-tensor ls -c aug a.sert | sed -n 2p | cut -f 4)" "$(ser-tensor ls -c aug a.sert | sed -n 13p | cut -f 4)"
    run ser-tensor ls -H a.sert
    assert_output --regexp 'feat\.rate_hz=22050'
    assert_output --regexp 'kind=audio'
}

@test "the same bytes from any number of threads, and twice" {
    manifest a b c d e f g h i
    ser-augment "${every[@]}" --copies 2 -j 1 m.tsv >1.sert
    for jobs in 1 2 7; do
        ser-augment "${every[@]}" --copies 2 -j $jobs <m.tsv >2.sert
        same 1.sert 2.sert
    done
    ser-augment "${every[@]}" --copies 2 -o 2.sert m.tsv
    same 1.sert 2.sert
}

@test "order, pieces and further options change no record" {
    manifest a b c d e
    ser-augment "${every[@]}" m.tsv >whole.sert
    records whole.sert >whole.txt
    assert_equal "$(wc -l <whole.txt)" 30
    (head -n 1 m.tsv && tail -n +2 m.tsv | tac) >back.tsv
    ser-augment "${every[@]}" back.tsv >back.sert
    records back.sert | diff whole.txt -
    head -n 3 m.tsv >one.tsv
    (head -n 1 m.tsv && tail -n +4 m.tsv) >two.tsv
    (ser-augment "${every[@]}" one.tsv && ser-augment "${every[@]}" two.tsv) >pieces.sert
    records pieces.sert | diff whole.txt -
    ser-augment --pitch -3:3 --copies 3 m.tsv >pitch.sert
    for id in a b c d e; do
        ser-tensor text -k "$id#pitch.1" whole.sert >1.txt
        ser-tensor text -k "$id#pitch.1" pitch.sert | diff 1.txt -
    done
}

@test "seed, id and copy each draw anew" {
    manifest a b
    cp a.wav b.wav
    ser-augment --noise 0.1 --copies 2 m.tsv >1.sert
    ser-augment --noise 0.1 --copies 2 --seed 2 m.tsv >2.sert
    for f in 1 2; do
        for key in a#noise.1 a#noise.2 b#noise.1 b#noise.2; do values $f.sert $key | sha256sum; done
    done >sums.txt
    assert_equal "$(sort -u sums.txt | wc -l)" 8
}

@test "all whole semitones of the range are drawn, both ends and 0, none else" {
    printf 'id\tpath\n' >m.tsv
    sox -n -r 22050 -b 16 a.wav synth 0.02 sine 400
    for i in $(seq 40); do printf '%s\ta.wav\n' "$i" >>m.tsv; done
    ser-augment --pitch -3:3 --copies 5 m.tsv >a.sert
    ser-tensor ls -c aug a.sert | tail -n +2 | cut -f 4 | sort | uniq -c | awk '{ print $2, $1 }' >got.txt
    assert_equal "$(cut -d ' ' -f 1 got.txt | xargs)" "pitch=-1 pitch=-2 pitch=-3 pitch=0 pitch=1 pitch=2 pitch=3"
    awk '$2 < 12 || $2 > 50 { exit 1 }' got.txt || fail "$(cat got.txt)"
    ser-augment --pitch 2 m.tsv >a.sert
    assert_equal "$(ser-tensor ls -c aug a.sert | tail -n +2 | cut -f 4 | sort -u)" pitch=2
}

@test "amounts lie in their ranges and fill them" {
    printf 'id\tpath\n' >m.tsv
    sox -n -r 22050 -b 16 a.wav synth 0.2 sine 400
    for i in $(seq 50); do printf '%s\ta.wav\n' "$i" >>m.tsv; done
    ser-augment --snr 5:20 --shift 100 --speed 0.9:1.1 m.tsv >a.sert
    ser-tensor ls -c aug a.sert | tail -n +2 | cut -f 4 | tr '=' ' ' |
        awk '{ if (!($1 in low) || $2 < low[$1]) low[$1] = $2; if (!($1 in high) || $2 > high[$1]) high[$1] = $2 }
            function in_range(k, a, b) {
                return low[k] >= a && low[k] < a + (b - a) / 5 && high[k] <= b && high[k] > b - (b - a) / 5
            }
            END { for (k in low) print k, low[k], high[k]
                  exit !(in_range("snr", 5, 20) && in_range("shift", -100, 100) && in_range("speed", 0.9, 1.1)) }'
}

@test "pitch: the tone is where it belongs, as long and as loud as before" {
    printf 'id\tpath\na\ta.wav\n' >m.tsv
    sox -n -r 48000 -b 16 a.wav synth 2 sine 440 gain -6
    for n in -3 -1 2 3; do
        ser-augment --pitch $n m.tsv >a.sert
        values a.sert a#pitch.1 >a.txt
        assert_equal "$(wc -l <a.txt)" 44100
        about "$(hertz 22050 <a.txt)" "$(awk -v n=$n 'BEGIN { print 440 * 2 ^ (n / 12) }')" 0.2
        about "$(awk 'NR > 11000 && NR < 33000 { s += $1 * $1; n++ } END { print sqrt(s / n) }' a.txt)" 0.3544 5
    done
}

@test "speed: higher and shorter by the factor" {
    printf 'id\tpath\na\ta.wav\n' >m.tsv
    sox -n -r 48000 -b 16 a.wav synth 1 sine 440 gain -6
    ser-augment --speed 1.25 m.tsv >a.sert
    values a.sert a#speed.1 >a.txt
    about "$(wc -l <a.txt)" 17640 0.01
    about "$(hertz 22050 <a.txt)" 550 0.01
    ser-augment --speed 0.5 --rate 8000 m.tsv >a.sert
    values a.sert a#speed.1 >a.txt
    assert_equal "$(wc -l <a.txt)" 16000
    about "$(hertz 8000 <a.txt)" 220 0.01
}

@test "noise has its strength, and its ratio to the speech" {
    printf 'id\tpath\na\ta.wav\n' >m.tsv
    sox -n -r 22050 -b 16 a.wav synth 2 sine 440 gain -6
    ser-augment --keep --noise 0.005 --snr 12 m.tsv >a.sert
    for key in a a#noise.1 a#snr.1; do values a.sert $key >"$key.txt"; done
    about "$(paste a.txt a#noise.1.txt | awk '{ s += ($2 - $1) ^ 2 } END { print sqrt(s / NR) }')" 0.005 2
    about "$(paste a.txt a#snr.1.txt | awk '{ s += $1 ^ 2; n += ($2 - $1) ^ 2 } END { print 10 * log(s / n) / log(10) }')" 12 0.1
}

@test "samples beyond full scale stay there" {
    printf 'id\tpath\na\ta.wav\n' >m.tsv
    sox -n -r 22050 -b 16 a.wav synth 1 square 100 gain -0.1
    ser-augment --noise 0.2 --pitch 2 m.tsv >a.sert
    for key in a#noise.1 a#pitch.1; do
        values a.sert $key | awk '$1 > 1.05 { n++ } END { exit !n }' || fail "$key is limited"
    done
}

@test "a stream that ser-mfcc reads, at its rate or another" {
    manifest a b
    ser-augment "${every[@]}" m.tsv | ser-mfcc >a.sert
    assert_equal "$(ser-tensor ls a.sert | tail -n +2 | wc -l)" 12
    assert_equal "$(ser-tensor ls -c aug,emotion,part a.sert | sed -n 3p)" \
        "$(printf 'a#noise.1\tf32\t40x174\tnoise=0.005\thappy\ttrain')"
    ser-augment --keep m.tsv | ser-mfcc >a.sert
    ser-mfcc -m m.tsv >b.sert
    same a.sert b.sert
    ser-augment --keep --rate 16000 m.tsv | ser-mfcc >a.sert
    ser-cmp --atol 0.5 a.sert b.sert
}

@test "other parts than train are refused, but kept, and altered when that is asked for" {
    manifest a b
    sed -i '3s/train/test/' m.tsv
    fails 3 '^ser-augment: m\.tsv: row 2 \(b\): b\.wav: is of part test' ser-augment --noise 0.1 -o a.sert m.tsv
    [ ! -e a.sert ]
    ser-augment --keep m.tsv >a.sert
    assert_equal "$(ser-tensor ls -c part a.sert | tail -n +2 | cut -f 4 | xargs)" "train test"
    ser-augment --any-part --noise 0.1 m.tsv >a.sert
    assert_equal "$(ser-tensor ls -c part a.sert | tail -n +2 | cut -f 4 | xargs)" "train test"
    run --separate-stderr ser-augment -k --keep --noise 0.1 -o a.sert m.tsv
    assert_failure 3
    assert_equal "$(ser-tensor ls a.sert | tail -n +2 | cut -f 1 | xargs)" "a a#noise.1"
    cut -f 1-6 m.tsv | ser-augment --noise 0.1 >a.sert
    assert_equal "$(ser-tensor ls a.sert | tail -n +2 | wc -l)" 2
}

@test "wrong command lines" {
    manifest a
    fails 2 'nothing to make' ser-augment m.tsv
    fails 2 "pitch: '3:-3' is not A:B" ser-augment --pitch 3:-3 m.tsv
    fails 2 "pitch: '-25:3' is not A:B" ser-augment --pitch -25:3 m.tsv
    fails 2 'rate 3000 is too low for --pitch: it works at 750 Hz, but needs at least 1000 Hz' ser-augment --rate 3000 --pitch -24:0 m.tsv
    fails 2 'rate 1000 is too low for --speed: it works at 500 Hz, but needs at least 1000 Hz' ser-augment --rate 1000 --speed 0.5:2 m.tsv
    fails 2 'whole semitones' ser-augment --pitch 0.5:2 m.tsv
    fails 2 "snr: '20:5' is not A:B" ser-augment --snr 20:5 m.tsv
    fails 2 "speed: '1.1:0.9' is not A:B" ser-augment --speed 1.1:0.9 m.tsv
    fails 2 "speed: '0' is not A:B" ser-augment --speed 0 m.tsv
    fails 2 'noise' ser-augment --noise -1 m.tsv
    fails 2 'shift' ser-augment --shift nan m.tsv
    fails 2 'copies' ser-augment --noise 0.1 --copies 0 m.tsv
    fails 2 'one manifest' ser-augment --keep m.tsv m.tsv
    run ser-augment --snr 0 m.tsv -o a.sert
    assert_success
}

@test "manifests that cannot be used" {
    manifest a
    printf 'id\temotion\na\thappy\n' >no.tsv
    fails 3 "no.tsv: no column 'path'" ser-augment --keep no.tsv
    printf 'path\na.wav\n' >no.tsv
    fails 3 "no.tsv: no column 'id'" ser-augment --keep no.tsv
    fails 3 'empty input' ser-augment --keep /dev/null
    fails 4 'none.tsv' ser-augment --keep none.tsv
    printf 'id\tpath\na\ta.wav\na\ta.wav\n' >no.tsv
    fails 3 "'a' comes twice" ser-augment --keep -o a.sert no.tsv
    printf 'id\tpath\na#noise.1\ta.wav\n' >no.tsv
    fails 3 'holds a #' ser-augment --keep -o a.sert no.tsv
    printf 'id\tpath\na\ta.wav\nb\tnone.wav\n' >no.tsv
    fails 4 'no.tsv: row 2 \(b\): none.wav: cannot open' ser-augment --keep -o a.sert no.tsv
    printf 'id\tpath\n' >no.tsv
    ser-augment --keep no.tsv | ser-tensor check
}

@test "a corpus of hostile names goes all the way, links too" {
    local folder=$'it\'s "a b" \xff\xfe $(touch x);rm *'
    mkdir -p "$folder/DC" elsewhere
    sox -n -r 16000 -b 16 "$folder/DC/a01.WAV" synth 0.3 sine 200-900 gain -6
    sox -n -r 16000 -b 16 elsewhere/x.wav synth 0.3 sine 300-900 gain -6
    ln -s ../../elsewhere/x.wav "$folder/DC/a02.wav"
    ser-manifest "$folder" >m.tsv 2>said
    ser-augment --keep --pitch 2 m.tsv | ser-mfcc >a.sert
    assert_equal "$(ser-tensor ls a.sert | tail -n +2 | cut -f 1 | xargs)" \
        "savee_DC_a01 savee_DC_a01#pitch.1 savee_DC_a02 savee_DC_a02#pitch.1"
    ser-augment --keep m.tsv | ser-mfcc >a.sert
    ser-mfcc -m m.tsv >b.sert
    same a.sert b.sert
    [ ! -e x ]
}

@test "recordings of which nothing can be made" {
    printf 'id\tpath\na\ta.wav\nb\tb.wav\n' >m.tsv
    sox -n -r 22050 -b 16 a.wav synth 0.5 sine 400
    sox -D -n -r 22050 -b 16 b.wav trim 0 0.2
    fails 3 'm.tsv: row 2 \(b\): b.wav: is silent' ser-augment --snr 5:20 -o a.sert m.tsv
    fails 3 'm.tsv: row 2 \(b\): b.wav: lasts 200 ms: --shift 300' ser-augment --shift 300 -o a.sert m.tsv
    [ ! -e a.sert ]
    run --separate-stderr ser-augment -k --snr 5:20 --copies 2 -o a.sert m.tsv
    assert_failure 3
    # shellcheck disable=SC2154 # run sets it
    [[ $stderr == *"1 of 2 recordings was skipped"* ]]
    assert_equal "$(ser-tensor ls a.sert | tail -n +2 | cut -f 1 | xargs)" "a#snr.1 a#snr.2"
    # Its unaltered copy is kept, whatever could not be made of it.
    for way in "--snr 5:20" "--shift 300" "--noise 0.1 --shift 300"; do
        # shellcheck disable=SC2086
        run --separate-stderr ser-augment -k --keep $way -o a.sert m.tsv
        assert_failure 3
        [[ $stderr == *"1 of 2 recordings was skipped, 1 of them only in part"* ]] || fail "$stderr"
        assert_equal "$(ser-tensor ls a.sert | tail -n +2 | cut -f 1 | grep -v '#' | xargs)" "a b"
        run grep -c 'b#' <(ser-tensor ls a.sert)
        assert_output 0
    done
    head -c 5000 a.wav >cut.wav
    printf 'id\tpath\na\tcut.wav\n' >m.tsv
    fails 3 'm.tsv: row 1 \(a\): cut.wav: .*cut short' ser-augment --keep -o a.sert m.tsv
}

@test "pitch so large that nothing is left is refused, silence is not" {
    printf 'id\tpath\na\ta.wav\n' >m.tsv
    sox -n -r 22050 -b 16 a.wav synth 1 sine 5000 gain -6
    fails 3 'm.tsv: row 1 \(a\): a.wav: --pitch 24 leaves less than a hundredth' ser-augment --pitch 24 -o a.sert m.tsv
    [ ! -e a.sert ]
    for n in 12 -24; do
        ser-augment --pitch $n m.tsv >a.sert
        values a.sert a#pitch.1 >a.txt
        about "$(hertz 22050 <a.txt)" "$(awk -v n=$n 'BEGIN { print 5000 * 2 ^ (n / 12) }')" 0.2
    done
    sox -D -n -r 22050 -b 16 a.wav trim 0 0.2
    ser-augment --pitch 24 m.tsv >a.sert
}

@test "the shortest recordings work" {
    for n in 1 2 100; do
        printf 'id\tpath\na\ta.wav\n' >m.tsv
        sox -D -r 22050 -n -b 16 a.wav synth 1 square 5000 trim 0 "${n}s"
        ser-augment --keep --noise 0.1 --pitch 3 --speed 0.9 m.tsv >a.sert
        assert_equal "$(ser-tensor ls a.sert | tail -n +2 | cut -f 3 | head -n 3 | xargs)" "$n $n $n"
        # One sample is a constant, and so are the first two of this wave: silence.
        if [ $n = 100 ]; then ser-augment --snr 5 m.tsv >a.sert; else fails 3 'is silent' ser-augment --snr 5 m.tsv; fi
    done
}

@test "no process stays behind, and a full disk is noticed" {
    manifest a b c
    fails 4 'cannot write' bash -c 'ser-augment --keep --pitch 2 m.tsv >/dev/full'
    ser-augment --pitch 1:3 --copies 20 -j 3 m.tsv | head -c 1000 >/dev/null
    sleep 0.2
    # Children outlive a parent that was killed only until they read the end of their input.
    for p in /proc/[0-9]*; do
        if [ "$(readlink "$p/cwd" 2>/dev/null)" = "$PWD" ] && [ "$(cat "$p/comm" 2>/dev/null)" = ser-augment ]; then
            fail "still there: $p"
        fi
    done
}
