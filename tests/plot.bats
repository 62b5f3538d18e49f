#!/usr/bin/env bats
# ser-plot: what is in each picture, what is refused, and names that would like to be code.
load helper

# Three tables, a stream of features, a tone and a model that tells two tones apart.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    {
        printf 'epoch\tlr\tloss\taccuracy\tval_loss\tval_accuracy\tbest\tcut\tstop\n'
        printf '1\t0.001\t2.1\t0.2\t2.2\t0.25\t1\t0\t0\n2\t0.001\t1.5\t0.4\t1.9\t0.5\t1\t0\t0\n'
        printf '3\t0.001\t1.2\t0.5\t2\t0.375\t0\t1\t0\n4\t0.0002\t1.1\t0.6\t2.1\t0.375\t0\t0\t1\n'
    } >log.tsv
    # Truth: 7 angry, 5 sad; 4 and 3 of them right. Speaker ann has 3 of 6 right, bob 4.
    awk -v OFS='\t' 'BEGIN {
        print "id", "emotion", "predicted", "p_angry", "p_sad", "speaker"
        split("a a a a s s s s s s a a", predicted, " ")
        for (i = 1; i <= 12; i++)
            print i, i <= 7 ? "angry" : "sad", predicted[i] == "a" ? "angry" : "sad", \
                predicted[i] == "a" ? 0.75 : 0.25, predicted[i] == "a" ? 0.25 : 0.75, i % 2 ? "ann" : "bob"
    }' >p.tsv
    {
        echo trial rung epochs by val_loss val_accuracy val_recall NET batch lr net.units
        echo 1 0 1 recall 1.5 0.4 0.3 a.net 16 1e-3 -
        printf '2 %s b.net 16 1e-2 4\n' '0 1 recall 1.4 0.4 0.5' '1 3 recall 1 0.5 0.6'
        echo 3 0 1 recall - - - a.net 16 0.1 -
        echo 4 0 1 recall 1.4 0.4 0.45 b.net 16 5e-3 8
    } | tr ' ' '\t' >search.tsv
    printf 'id\tpath\temotion\tspeaker\tpart\n' >m.tsv
    for i in 1 2 3 4; do
        sox -n -r 22050 -b 16 "low$i.wav" synth 0.3 sine "20$i"
        sox -n -r 22050 -b 16 "high$i.wav" synth 0.3 sine "90$i"
        part=train && [ "$i" -lt 4 ] || part=val
        printf 'low%d\tlow%d.wav\tcalm\ts%d\t%s\nhigh%d\thigh%d.wav\thappy\ts%d\t%s\n' \
            "$i" "$i" "$i" $part "$i" "$i" "$i" $part >>m.tsv
    done
    for part in train val; do
        awk -F '\t' -v p=$part 'NR == 1 || $5 == p' m.tsv | ser-mfcc -q --frames 20 -m - -o $part.sert
    done
    printf '%s\n' standardize 'maxpool 2x2' 'reshape 20x10' mean 'dense classes' >small.net
    ser-train -q --net small.net --val val.sert -o model.bin --epochs 100 --batch 2 --lr 0.05 \
        --patience 0 --kernels plain train.sert
    sox low1.wav high1.wav low2.wav high2.wav long.wav
}

setup() {
    cd "$BATS_FILE_TMPDIR" || return 1
}

# texts FILE: the texts of an SVG, one a line
texts() {
    sed -n 's,^.*<text> *\(.*\)</text>.*$,\1,p' "$1"
}

# draws KIND FILE...: the SVG and the PNG are made, and are what they say.
draws() {
    ser-plot "$@" >"$1.svg"
    perl "$ROOT/tests/well-formed.pl" "$1.svg"
    if command -v xmllint >/dev/null; then xmllint --huge --noout "$1.svg"; fi
    ser-plot --png "$@" >"$1.png"
    [[ $(file -b "$1.png") = "PNG image data, "* ]]
    [ "$(tail -c 8 "$1.png" | xxd -p)" = 49454e44ae426082 ] # IEND
    # Twice as many pixels.
    local size
    size=$(sed -n 's/^ viewBox="0 0 \([0-9]*\) \([0-9]*\)"$/\1 \2/p' "$1.svg")
    [[ $(file -b "$1.png") = *", $((2 * ${size% *})) x $((2 * ${size#* })), "* ]] || fail "$(file "$1.png") of $size"
    texts "$1.svg" >texts
}

# has TEXT...: each is a text of the picture
has() {
    local text
    for text; do grep -qxF -- "$text" texts || fail "not in the picture: $text"$'\n'"$(cat texts)"; done
}

lacks() { # lacks TEXT: it is none of the picture's
    if grep -xF -- "$1" texts; then fail "in the picture: $1"; fi
}

# count TEXT N: it is there so many times
count() {
    assert_equal "$(grep -cxF -- "$1" texts)" "$2"
}

@test "curves: both parts, the best epoch, the steps of the learning rate" {
    draws curves log.tsv
    has training validation 'best: epoch 2' 'loss' 'accuracy, %' rate epoch 0.001 0.0002 \
        'Training, 4 epochs, stopped early: best is 2, validation accuracy 50.0 %'
    # Lines differ in more than colour.
    grep -q 'stroke-dasharray' curves.svg
    sed 's/$/\r/' log.tsv | ser-plot curves | cmp - curves.svg
    head -n 2 log.tsv | ser-plot curves | grep -q 'Training, one epoch'
}

@test "confusion: counts and rates of the rows" {
    draws confusion p.tsv
    has 'angry (7)' 'sad (5)' 'true emotion' 'predicted emotion' 'share of the row, %' 4 3 2 '57 %' '43 %' '60 %' '40 %' \
        '12 predictions: accuracy 58.3 %, unweighted recall 58.6 %'
    # Two files are taken together.
    ser-plot confusion p.tsv p.tsv >two.svg
    texts two.svg >texts
    has 'angry (14)' 8 6
}

@test "confusion: white on dark cells, black on light ones" {
    printf 'id\temotion\tpredicted\n' >dark.tsv
    for i in 1 2 3 4 5 6 7 8 9; do printf '%d\ta\ta\n' $i; done >>dark.tsv
    printf '10\ta\tb\n11\tb\tb\n' >>dark.tsv
    ser-plot confusion dark.tsv >dark.svg
    grep -B 1 '<text>90 %</text>' dark.svg | grep -qi 'fill="rgb(255, *255, *255)"\|fill="#ffffff"\|fill="white"'
    grep -B 1 '<text>10 %</text>' dark.svg | grep -qi 'fill="rgb( *0, *0, *0)"\|fill="#000000"\|fill="black"'
}

@test "reliability: how many are in each bin" {
    draws reliability p.tsv
    has 'confidence, %' 'accuracy, %' predictions 'as sure as right' '12 predictions: accuracy 58.3 %, calibration error 0.167'
    # All of the same confidence, so nine bins of ten are empty; the axis and the bar name the fullest.
    count 12 2
    [ "$(grep -cx 0 texts)" -ge 9 ]
}

@test "speakers: best first, with how many utterances" {
    draws speakers p.tsv
    has 'of 6' accuracy 'unweighted recall' '2 speakers, 12 predictions: accuracy 58.3 %'
    # bob has 4 of 6 right, ann 3; gnuplot begins at the bottom.
    assert_equal "$(grep -xE 'ann|bob' texts | tr '\n' ' ')" "ann bob "
}

@test "manifest: emotions, speakers in their order, parts" {
    draws manifest m.tsv
    has '8 utterances, 2 emotions, 4 speakers' train val test calm happy s1 s4 utterances
    count 4 3 # of calm, of happy, and a tic
    cut -f 1-4 m.tsv | sed 's/\ts1$/\ts10/' | ser-plot manifest >all.svg
    texts all.svg >texts # from the bottom up
    assert_equal "$(grep -x 's[0-9]*' texts | tr '\n' ' ')" "s10 s4 s3 s2 "
    lacks train
}

@test "mfcc: the first record, or one by its key" {
    draws mfcc val.sert
    has 'coefficient' 'coefficient 0' 'time, s' 'low4: calm, 13 frames, padded to 20'
    grep -q '<image .*data:image/png' mfcc.svg
    ser-plot mfcc --key high4 val.sert >high.svg
    texts high.svg >texts
    has 'high4: happy, 13 frames, padded to 20'
    ser-plot mfcc <val.sert | cmp - mfcc.svg
    ser-mfcc -q --type logmel --frames 0 low1.wav | ser-plot mfcc >mel.svg
    texts mel.svg >texts
    has 'mel band' 'level, dB' 'low1.wav: 13 frames'
}

@test "tune: trials, rungs, what was drawn, and how much it decides" {
    draws tune search.tsv
    # Of the others trial 2 came furthest.
    has '4 trials, the best is 2: recall 60.0 % after 3 epochs' failed 'best so far' 'importance after 1 epoch'
    # Axes: an option of one value has none; words are all named, numbers by their ends.
    has NET lr net.units a.net b.net 0.001 0.1 30 60
    lacks batch
    # The most important is above: what NET was separates the better two from the others.
    y() { sed -n "s,.*translate([0-9.]*\,\([0-9.]*\)).*,\1,; /<text> *$1<.text>/{x;p;x}; h" tune.svg | head -n 1; }
    [ "$(y NET)" ] && awk -v a="$(y NET)" -v b="$(y lr)" -v c="$(y net.units)" 'BEGIN {exit !(a < b && b < c)}'
    { cat search.tsv && sed -n 2p search.tsv; } >twice.tsv
    fails 3 "^ser-plot: twice.tsv: trial 1 has two results on rung 0" ser-plot tune twice.tsv
    head -n 1 search.tsv >none.tsv
    fails 3 "^ser-plot: none.tsv: no result in it" ser-plot tune none.tsv
    sed 's/recall\t1.5/speed\t1.5/' search.tsv >by.tsv
    fails 3 "^ser-plot: by.tsv: row 1 .*by is 'speed': expected recall, loss or accuracy" ser-plot tune by.tsv
    sed '3s/recall/loss/' search.tsv >by.tsv
    fails 3 "^ser-plot: by.tsv: row 2 .*by is loss here, and another word before" ser-plot tune by.tsv
    cut -f 1-6 search.tsv >cut.tsv
    fails 3 "^ser-plot: cut.tsv: no column 'val_recall'" ser-plot tune cut.tsv
    # All failed, and one trial alone: there is a picture, without axes.
    sed -n '1p;/\t-\t-\t-\t/p' search.tsv >failed.tsv
    draws tune failed.tsv
    has '1 trial, all failed'
    lacks NET
}

# script ARGUMENT...: what gnuplot is given for a picture; $NAME block of it: block NAME
script() {
    mkdir -p asked
    printf '#!/bin/sh\ncat >"%s/script"\n' "$PWD/asked" >asked/gnuplot
    chmod +x asked/gnuplot
    run ! env PATH="$PWD/asked:$PATH" ser-plot "$@" # there is no picture
    [ -s asked/script ] || fail "$output"
}

block() { # block NAME: its lines, without those that are drawn nowhere
    sed -n "/^\\\$$1 << EOD\$/,/^EOD\$/p" asked/script | sed '1d;$d;/^nan/d;/^$/d'
}

# Of a model at 3 kHz nobody asks whether it hears speech.
@test "wave: the audio, and the emotion over time by a model" {
    draws wave long.wav
    has 'long.wav, 1.20 s' amplitude 'time, s'
    lacks calm
    ser-plot wave <long.wav >stdin.svg
    texts stdin.svg >texts
    has '&lt;stdin&gt;, 1.20 s'
    awk -F '\t' 'NR == 1 || $5 == "train"' m.tsv |
        ser-mfcc -q --rate 3000 --window 256 --hop 60 --bands 20 --coefs 20 --frames 11 -m - -o tones.sert
    awk -F '\t' 'NR == 1 || $5 == "val"' m.tsv | ser-mfcc -q --like tones.sert -m - -o tones-val.sert
    printf 'standardize\nreshape 1x220\nlast\ndense classes\n' >tones.net
    ser-train -q --net tones.net --val tones-val.sert -o tones.bin --epochs 60 --batch 2 --lr 0.05 --kernels plain tones.sert
    ser-plot wave -m tones.bin --step 0.1 long.wav >emotion.svg
    perl "$ROOT/tests/well-formed.pl" emotion.svg
    texts emotion.svg >texts
    has calm happy 'probability, %' predicted amplitude 'long.wav, 1.20 s'
    # What is said follows the tones: low and high are calm and happy, in turn, the row above being calm.
    script wave -m tones.bin --step 0.1 long.wav
    assert_equal "$(block said | cut -d ' ' -f 3 | tr '\n' ' ')" "1 0 1 0 "
    block said | awk '{ok = $1 < $2 && (NR == 1 ? $1 == 0 : $1 == last) && (NR == 4 || $2 > 0.3 * NR - 0.1 && $2 < 0.3 * NR + 0.1)
        last = $2; if (!ok) exit 1} END {exit NR != 4 || last > 1.21}' || fail "$(block said)"
    assert_equal "$(block mute)" ""
    # The same is said of the same windows by way of the table.
    block said | awk '{print $3}' >by-wave
    ser-mfcc -q --like tones.bin --every 0.1 long.wav | ser-score -q tones.bin >over.tsv
    script time over.tsv
    block said | awk '{print $3}' | cmp - by-wave
}

@test "time: bands of emotions, what is said, no speech, how loud; an hour; one recording of several" {
    # Sad for ten seconds, nothing, happy; another recording; 3,600 rows of an hour.
    awk -v OFS='\t' 'BEGIN {
        print "id", "predicted", "p_happy", "p_sad", "start_s", "end_s", "level_db"
        for (t = 0; t < 30; t++)
            print "a/b.wav@" t ".000", t < 10 ? "sad" : t < 20 ? "-" : "happy", t < 20 ? 0.25 : 1, t < 20 ? 0.75 : 0, t, t + 1, t < 20 ? -75 : -15
        print "other@0", "sad", 0, 1, 0, 2, "-"
        print "other@4", "sad", 0, 1, 4, 6, -20
        for (t = 0; t < 3600; t++) print "hour@" t, t % 2 ? "happy" : "sad", t % 2, 1 - t % 2, t, t + 4, -30
    }' >over.tsv
    draws time over.tsv
    has happy sad 'no speech' predicted 'probability, %' 'level, dB' 'time, s' 0 -20 -80 'b.wav, 30.00 s, 30 windows, 33 % without speech'
    script time over.tsv
    assert_equal "$(block said)" $'0 10 0\n20 30 1'
    assert_equal "$(block mute | cut -d ' ' -f 1,2)" "10 20"
    # The last class stands first; each second is thirty columns.
    assert_equal "$(block bands | cut -d ' ' -f 1,600,601,900)" $'75 75 0 0\n25 25 100 100'
    script time --key other over.tsv
    assert_equal "$(block said)" $'0 2 0\n4 6 0'
    assert_equal "$(block bands | cut -d ' ' -f 1,450,900)" $'100 nan 100\n0 nan 0'
    assert_equal "$(block sound | wc -l)" 300
    ser-plot time --key hour over.tsv >hour.svg
    texts hour.svg >texts
    has 'hour, 1:00:03, 3600 windows' 'time, min' 60
    [ "$(wc -c <hour.svg)" -lt 300000 ] # as large as of any length
    fails 3 "over.tsv: has no windows of a recording 'c'" ser-plot time --key c over.tsv
    fails 3 "^ser-plot: p.tsv: no columns start_s and end_s: .* ser-mfcc --every" ser-plot time p.tsv
    cut -f 1,2,5-7 over.tsv >bare.tsv
    fails 3 "^ser-plot: bare.tsv: no columns p_CLASS" ser-plot time bare.tsv
    sed '2s/sad/bad/' over.tsv >bad.tsv
    fails 3 "^ser-plot: bad.tsv: predicted is 'bad', but there is no such column" ser-plot time bad.tsv
}

@test "the same bytes twice, and on standard output as with -o" {
    for kind in 'curves log.tsv' 'confusion p.tsv' 'reliability p.tsv' 'speakers p.tsv' 'manifest m.tsv' 'mfcc val.sert' 'tune search.tsv' \
        'wave -m model.bin long.wav'; do
        # shellcheck disable=SC2086
        ser-plot $kind >a.svg
        # shellcheck disable=SC2086
        TZ=Asia/Tokyo HOME=/nowhere ser-plot -o b.svg $kind
        same a.svg b.svg
    done
    ser-plot --png confusion p.tsv >a.png
    ser-plot -p confusion p.tsv -o b.png
    same a.png b.png
    run grep -c "$(date +%Y)-" a.svg
    assert_output 0
}

# What gnuplot, a shell, XML or awk could take for more than letters.
hostile='a"b`touch x`$(touch x)'\''{}_^<i>&#x1;&amp;]]>%d%s @n \n "system(|touch x) é'

@test "names from data are letters, whatever they hold" {
    mkdir hostile && cd hostile
    export HOSTILE=$hostile
    awk -F '\t' -v OFS='\t' 'BEGIN {
        x = ENVIRON["HOSTILE"]
        print "id", "emotion", "predicted", "p_" x, "p_b", "speaker"
        print 1, x, x, 0.9, 0.1, x
        print 2, "b", x, 0.6, 0.4, "c"
        print "id", "predicted", "p_" x, "p_b", "start_s", "end_s" >"w.tsv"
        print x "@0", x, 0.9, 0.1, 0, 1 >"w.tsv"
    }' >p.tsv
    printf 'emotion\tspeaker\n%s\t%s\n' "$hostile" "$hostile" >m.tsv
    printf 'trial\trung\tepochs\tval_loss\tval_accuracy\tval_recall\t%s\n' "$hostile" >search.tsv
    printf '%s\t0\t1\t1\t0.5\t0.5\t%s\n' 1 "$hostile" 2 'x%dy' >>search.tsv
    cp ../low1.wav "$hostile.wav"
    printf 'id\tpath\temotion\n%s\t%s\t%s\n' "$hostile" "$hostile.wav" "$hostile" | ser-mfcc -q -m - -o f.sert
    for kind in confusion reliability speakers manifest mfcc tune wave time; do
        case $kind in
        tune) file=search.tsv ;;
        manifest) file=m.tsv ;;
        mfcc) file=f.sert ;;
        wave) file=$hostile.wav ;;
        time) file=w.tsv ;;
        *) file=p.tsv ;;
        esac
        for title in '' "$hostile"; do
            ser-plot $kind --title "$title" "$file" >x.svg
            perl "$ROOT/tests/well-formed.pl" x.svg
            if command -v xmllint >/dev/null; then xmllint --huge --noout x.svg; fi
            ser-plot --png $kind --title "$title" "$file" >x.png
            [ -s x.png ]
        done
        # The title is there in full, as letters.
        texts x.svg | grep -qxF 'a"b`touch x`$(touch x)'\''{}_^&lt;i&gt;&amp;#x1;&amp;amp;]]&gt;%d%s @n \n "system(|touch x) é' ||
            fail "$kind: $(texts x.svg)"
    done
    ser-plot manifest m.tsv >x.svg
    texts x.svg | grep -qxF 'a"b`touch x`$(touch x)'\''…' || fail "$(texts x.svg)"
    printf 'emotion\tspeaker\n50%%d%%\tb\n' | ser-plot manifest >x.svg
    texts x.svg | grep -qxF '50%d%' || fail "$(texts x.svg)"
    [ ! -e x ] || fail "something was run"
}

@test "text that no picture can show is refused" {
    printf 'emotion\tspeaker\na\033[31m\tb\n' >control.tsv
    fails 3 "^ser-plot: control.tsv: not UTF-8 text, or with characters" ser-plot manifest control.tsv
    printf 'emotion\tspeaker\na\377\tb\n' >latin.tsv
    fails 3 "^ser-plot: latin.tsv: not UTF-8 text" ser-plot manifest latin.tsv
    printf 'emotion\tspeaker\na\356\200\201\tb\n' >private.tsv
    fails 3 "^ser-plot: private.tsv: not UTF-8 text, or with" ser-plot manifest private.tsv
    fails 2 "control characters" ser-plot manifest --title $'a\nb' m.tsv
    fails 2 "control characters" ser-plot manifest $'a\nb.tsv'
    fails 2 "not UTF-8 text" ser-plot manifest --title $'\377' m.tsv
}

@test "wrong command lines: 2" {
    fails 2 "^ser-plot: 'pie' is none of curves|confusion" ser-plot pie p.tsv
    fails 2 "^ser-plot: which kind of picture" ser-plot
    fails 2 "usage: ser-plot" ser-plot --frobnicate confusion p.tsv
    fails 2 "curves: one FILE is meant" ser-plot curves log.tsv log.tsv
    fails 2 "key belongs to mfcc" ser-plot confusion --key a p.tsv
    fails 2 "model belongs to wave" ser-plot mfcc --model model.bin val.sert
    fails 2 "step: '0' is not a number from 0.01" ser-plot wave -m model.bin --step 0 long.wav
    fails 2 "step belongs to --model" ser-plot wave --step 1 long.wav
    cp log.tsv over.tsv
    fails 2 "'./over.tsv' would be written over the input 'over.tsv'" ser-plot curves -o ./over.tsv over.tsv
    same over.tsv log.tsv
    fails 2 "empty" ser-plot -o '' confusion p.tsv
}

@test "no such file: 4; a file of another kind: 3" {
    for kind in curves confusion reliability speakers manifest mfcc wave time; do
        fails 4 "none.file: cannot open" ser-plot $kind none.file
    done
    fails 3 "p.tsv: line 1: no column 'epoch'" ser-plot curves p.tsv
    fails 3 "^ser-plot: log.tsv: no column 'predicted'" ser-plot confusion log.tsv
    fails 3 "log.tsv: line 1: no column 'emotion'" ser-plot manifest log.tsv
    fails 3 "^ser-plot: log.tsv: " ser-plot mfcc log.tsv
    fails 3 "^ser-plot: log.tsv: .*not audio" ser-plot wave log.tsv
    fails 3 "^ser-plot: <stdin>: .*not audio" ser-plot wave - <log.tsv
    fails 3 "model.bin: record net: a u8 .* not features" ser-plot mfcc model.bin
    fails 2 "^ser-plot: only one input can be standard input, not 2" ser-plot confusion - -
    fails 3 "val.sert: a stream of kind features, but model is needed" ser-plot wave --model val.sert long.wav
    fails 3 "^ser-plot: val.sert: no record has the key 'none'$" ser-plot mfcc --key none val.sert
    cut -f 1-3 p.tsv >bare.tsv
    fails 3 "no columns p_CLASS" ser-plot reliability bare.tsv
    fails 3 "no column speaker" ser-plot speakers bare.tsv
    fails 3 "<stdin>: no epoch in it" ser-plot curves </dev/null
    fails 3 "<stdin>: no utterance in it" ser-plot manifest </dev/null
    head -n 1 log.tsv >empty.tsv
    fails 3 "empty.tsv: no epoch in it" ser-plot curves empty.tsv
    sed 's/\t2.1\t/\tnan\t/' log.tsv >nan.tsv
    fails 3 "nan.tsv: line 2: loss is no number: 'nan'" ser-plot curves nan.tsv
    sed 's/^2\t.*/2\t0.1/' log.tsv >cut.tsv
    fails 3 "cut.tsv: line 3: 2 fields, the header has 9" ser-plot curves cut.tsv
    fails 4 "cannot (open|read)|is a folder" ser-plot curves .
}

@test "output that cannot be written: 4, and a file only when it is whole" {
    run bash -c 'ser-plot confusion p.tsv >/dev/full'
    assert_failure 4
    run bash -c 'ser-plot --help >/dev/full'
    assert_failure 4
    run bash -c 'ser-plot confusion p.tsv >&-'
    [ "$status" = 0 ] || [ "$status" = 4 ]
    fails 4 "nowhere/x.svg: cannot write" ser-plot confusion p.tsv -o nowhere/x.svg
    mkdir -p folder
    fails 4 "folder: cannot write: is a folder" ser-plot confusion p.tsv -o folder
    echo old >kept.svg
    fails 3 "p.tsv: line 1" ser-plot curves p.tsv -o kept.svg
    assert_equal "$(cat kept.svg)" old
    mkdir -p only && ln -sf ../linked.svg only/link.svg
    (umask 027 && ser-plot confusion p.tsv -o only/link.svg)
    [ -L only/link.svg ] && [ -f linked.svg ]
    assert_equal "$(stat -c %a linked.svg)" 640
    assert_equal "$(ls -A only)" link.svg
}

@test "without gnuplot it says how to get it" {
    fails 4 "^ser-plot: gnuplot: not installed; on Debian: apt-get install gnuplot-nox" \
        env PATH="$PWD" "$BUILD/ser-plot" curves log.tsv
}

@test "a picture shrinks where there is less room, and says what it shows" {
    ser-plot confusion p.tsv >small.svg
    if sed -n '/^<svg/,/>/p' small.svg | grep -E '^ *(width|height)='; then fail "it has one size"; fi
    grep -q '^ viewBox="0 0 640 [0-9]*"$' small.svg
    grep -qx ' style="max-width: 640px"' small.svg
    grep -qx '<title>confusion: 12 predictions: accuracy 58.3 %, unweighted recall 58.6 %</title>' small.svg
    if command -v rsvg-convert >/dev/null; then
        rsvg-convert -w 390 small.svg >small.png
        [[ $(file -b small.png) = "PNG image data, 390 x "* ]]
        rsvg-convert small.svg >small.png
        [[ $(file -b small.png) = "PNG image data, 640 x "* ]] # as large as it is meant
    fi
    ser-plot confusion --title 'a < "b" & c' p.tsv | grep -qx '<title>confusion: a &lt; &quot;b&quot; &amp; c</title>'
}

# gnuplot SCRIPT: a gnuplot that is this
gnuplot_is() {
    mkdir -p fake
    printf '#!/bin/sh\n%s\n' "$1" >fake/gnuplot
    chmod 755 fake/gnuplot
}

@test "gnuplot that fails is told with its last words, and half a picture is none" {
    gnuplot_is 'echo "warning: odd" >&2; echo "line 3: no such thing" >&2; echo "  warning: again" >&2; exit 1'
    PATH=$PWD/fake:$PATH fails 4 "^ser-plot: gnuplot: line 3: no such thing$" ser-plot curves log.tsv
    gnuplot_is 'kill -KILL $$'
    PATH=$PWD/fake:$PATH fails 4 "^ser-plot: gnuplot: ended by signal 9$" ser-plot curves log.tsv
    gnuplot_is 'exit 3'
    PATH=$PWD/fake:$PATH fails 4 "^ser-plot: gnuplot: ended with 3, without a word$" ser-plot curves log.tsv
    gnuplot_is 'echo "<svg>"'
    PATH=$PWD/fake:$PATH fails 4 "^ser-plot: gnuplot: the picture is not complete$" ser-plot curves log.tsv
    PATH=$PWD/fake:$PATH fails 4 "^ser-plot: gnuplot: the picture is not complete$" ser-plot curves --png log.tsv
    # Nothing of the user's settings reaches it.
    gnuplot_is 'echo "$GNUTERM$GNUPLOT_LIB$GDFONTPATH $LC_ALL $*" >&2; exit 1'
    export GNUTERM=dumb GNUPLOT_LIB=/tmp GDFONTPATH=/tmp
    PATH=$PWD/fake:$PATH fails 4 "^ser-plot: gnuplot:  C.UTF-8 -d$" ser-plot curves log.tsv
}

@test "nothing is left behind" {
    mkdir -p tmp
    TMPDIR=$PWD/tmp ser-plot wave -m model.bin long.wav >/dev/null
    TMPDIR=$PWD/tmp run ser-plot curves p.tsv
    assert_equal "$(ls -A tmp)" ""
}
