#!/usr/bin/env bats
# Features of other programs: tables, NumPy arrays, Kaldi archives; their recordings, axes and lengths; and that
# networks of each kind learn from them, score them and go to ONNX.
load helper

# Eight speakers, three emotions: 24 recordings, of which no sound is needed. Their features lie apart.
setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    awk 'BEGIN {
        OFS = "\t"
        print "id", "path", "corpus", "speaker", "emotion", "part"
        split("calm happy sad", emotion, " ")
        for (s = 1; s <= 8; s++) for (e = 1; e <= 3; e++)
            print "mine_" s emotion[e], "rec/s" s "/" emotion[e] ".wav", "mine", "s" s, emotion[e],
                s < 5 ? "train" : s < 7 ? "val" : "test"
    }' >m.tsv
}

# numbers COUNT: so many a recording in the order of m.tsv, that tell emotions apart, separated by spaces
numbers() {
    awk -F'\t' -v n="$1" 'NR > 1 {
        for (i = 0; i < n; i++) {
            wave = (NR * 37 + i * 101) % 19 / 19 - 0.5
            printf "%s%.4f", i ? " " : "", wave + 3 * (i % 3 == ($5 == "happy") + 2 * ($5 == "sad"))
        }
        print ""
    }' m.tsv
}

# le f4 numbers from standard input
floats() {
    perl -ne 'print pack("f<*", split)'
}

npy() { # npy FILE SHAPE <numbers
    local head="{'descr': '<f4', 'fortran_order': False, 'shape': $2, }"
    { printf '\223NUMPY\1\0\166\0%-117s\n' "$head" && floats; } >"$1"
}

names() { # keys of a stream
    ser-tensor ls "$1" | tail -n +2 | cut -f 1
}

@test "from-csv: a table as openSMILE's Python package and its program write it" {
    paste -d, <(cut -f 2 m.tsv | sed '1s/.*/file,start,end/; 2,$s|.*|/far/&,0 days,0 days 00:00:01.5|') \
        <({ echo '"F0, mean",loud'; numbers 2 | tr ' ' ,; }) >package.csv
    paste -d';' <(cut -f 1 m.tsv | sed "1s/.*/name;frameTime/; 2,\$s/.*/'&';0.000000/") \
        <({ echo 'F0, mean;loud'; numbers 2 | tr ' ' ';'; }) | sed 's/$/\r/' >program.csv
    ser-tensor from-csv -m m.tsv package.csv -o a.sert
    ser-tensor from-csv --manifest m.tsv program.csv | same - a.sert
    names a.sert | diff - <(tail -n +2 m.tsv | cut -f 1)
    ser-tensor ls -c emotion,speaker,corpus,part,sex a.sert | tail -n +2 | cut -f 2- >got.txt
    awk -F'\t' -v OFS='\t' 'NR > 1 {print "f32", 2, $5, $4, $3, $6, "-"}' m.tsv | diff - got.txt
    ser-tensor text a.sert | tr -d '[]' | awk '{printf "%.4f %.4f\n", $2, $3}' | diff - <(numbers 2)
    ser-tensor ls -H a.sert | grep -qx feat.axes=channels
    # Other columns are other features.
    sed 's/,[^,]*$//' package.csv | ser-tensor from-csv -m m.tsv | ser-tensor ls -H >one.txt
    run ! diff <(ser-tensor ls -H a.sert) one.txt
    # Without a manifest the names are the table's, and what it tells itself.
    sed '1s/$/;emotion;part/; 2,$s/\r*$/;sad;-/' <(tr -d '\r' <program.csv) | ser-tensor from-csv >b.sert
    ser-tensor ls -c emotion,part b.sert | sed -n 2p | diff - <(printf 'mine_1calm\tf32\t2\tsad\t-\n')
}

@test "from-csv: several rows a recording are a sequence" {
    { echo 'name,frameTime,a,b' && printf '%s\n' x,0.0,1,2 x,0.1,3,4 y,0.0,5,6; } >t.csv
    ser-tensor from-csv t.csv -o t.sert
    ser-tensor ls t.sert | tail -n +2 | cut -f 1-3 | diff - <(printf 'x\tf32\t2x2\ny\tf32\t1x2\n')
    ser-tensor ls -H t.sert | grep -qx feat.axes=time,channels
    ser-tensor text t.sert | diff - <(printf 'x  [\n  1 2 \n  3 4 ]\ny  [\n  5 6 ]\n')
    sed 2d t.csv | ser-tensor from-csv --axes time,channels | ser-tensor ls | grep -q '^x	f32	1x2'
    { cat t.csv && echo x,0.2,7,8; } >again.csv
    fails 3 'again.csv: line 5 \(x\): comes again, but not in one piece: sort the table' ser-tensor from-csv again.csv
    fails 3 't.csv: line 3 \(x\): comes again, and the axes have no time' ser-tensor from-csv --axes channels t.csv
    fails 2 "a table has the axes 'channels' or 'time,channels'" ser-tensor from-csv --axes bands,time t.csv
}

@test "from-csv: what is no feature is named" {
    { echo 'name,a,gender,b' && echo 'x,1,male,2'; } >t.csv
    fails 3 "t.csv: line 2 \(x\): column gender: 'male' is no number of single precision: a column that is no feature" \
        ser-tensor from-csv t.csv
    ser-tensor from-csv --drop none,gender t.csv | ser-tensor text | diff - <(echo 'x  [ 1 2 ]')
    fails 3 "has no column 'who' to name the recordings" ser-tensor from-csv --key who t.csv
    sed 's/name/who/' t.csv >who.csv
    fails 3 'who.csv: no column is named id, name, file, path or filename: say with --key' ser-tensor from-csv who.csv
    ser-tensor from-csv -k who --drop gender who.csv | ser-tensor text | diff - <(echo 'x  [ 1 2 ]')
    for bad in '' nan inf 1e39 1,5 '1 2' 0x1; do
        printf 'name;a\nx;%s\n' "$bad" >bad.csv
        fails 3 "bad.csv: line 2 \(x\): column a: '$bad' is no number" ser-tensor from-csv bad.csv
    done
    printf 'name,a,a\nx,1,2\n' >bad.csv
    fails 3 "bad.csv: two columns are named 'a'" ser-tensor from-csv bad.csv
    printf 'name,start\nx,1\n' >bad.csv
    fails 3 'bad.csv: has no column of features' ser-tensor from-csv bad.csv
    printf 'name,a\nx\n' >bad.csv
    fails 3 'bad.csv: line 2: 1 fields, the header has 2' ser-tensor from-csv bad.csv
    echo 'name,a' >bad.csv
    fails 3 'bad.csv: has no row behind its header' ser-tensor from-csv bad.csv
    : >bad.csv
    fails 3 'bad.csv: empty: an archive with a record is needed' ser-tensor from-ark bad.csv
    fails 3 'bad.csv: empty: a table with a header line is needed' ser-tensor from-csv bad.csv
}

@test "a manifest: what is unknown is left out by name, what is missing is an error by name" {
    { echo name,a && printf '%s\n' 'rec/s1/calm.wav,1' 'rec/s2/calm.wav,2' 'rec/s9/angry.wav,3'; } >t.csv
    fails 3 'm.tsv: 22 of 24 recordings have no features: --keep-going goes on without' \
        ser-tensor from-csv -m m.tsv t.csv -o out
    [ ! -e out ]
    [[ $stderr == *'t.csv: (rec/s9/angry.wav): is not in m.tsv, and left out'* ]]
    [[ $stderr == *'m.tsv: (mine_1happy): there are no features of rec/s1/happy.wav'* ]]
    run ser-tensor from-csv -m m.tsv --keep-going t.csv -o out
    assert_equal "$status" 3
    names out | diff - <(printf 'mine_1calm\nmine_2calm\n')
    # Two names for one recording, and one for several.
    echo s1/calm.flac,4 >>t.csv
    fails 3 's1/calm.flac\): is the recording mine_1calm, of which there are features already' \
        ser-tensor from-csv -m m.tsv t.csv
    printf 'name,a\ncalm.wav,1\n' >t.csv
    fails 3 't.csv: \(calm.wav\): could be several recordings of m.tsv' ser-tensor from-csv -m m.tsv t.csv
    fails 2 '--keep-going needs --manifest' ser-tensor from-csv --keep-going t.csv
    fails 2 '--part needs --manifest' ser-tensor from-csv --part train t.csv
    head -1 m.tsv >none.tsv
    fails 3 'none.tsv: lists no recording' ser-tensor from-csv -m none.tsv t.csv
}

@test "from-npy: a stack in the manifest's order, or a file a recording" {
    numbers 4 | npy all.npy '(24, 4)'
    ser-tensor from-npy -m m.tsv all.npy -o all.sert
    mkdir one
    for i in $(seq 24); do
        numbers 4 | sed -n ${i}p | npy "one/$(sed -n $((i + 1))p m.tsv | cut -f 1).npy" '(4,)'
    done
    # In the order of the files, which here is that of the manifest.
    ser-tensor from-npy -m m.tsv one/*.npy | same - all.sert
    ser-tensor ls -H all.sert | diff - <(printf 'feat.axes=channels\nkind=features\n')
    # Doubles become what a network takes; sequences need their axes told.
    perl -e 'print pack("d<*", 1 .. 48)' >raw
    { printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (24, 2, 1), }" && cat raw; } >d.npy
    ser-tensor from-npy -m m.tsv --axes time,channels d.npy >d.sert
    ser-tensor ls d.sert | tail -1 | cut -f 1-3 | diff - <(printf 'mine_8sad\tf32\t2x1\n')
    ser-tensor from-npy -m m.tsv d.npy | ser-tensor ls -H | diff - <(echo kind=features)
    ser-tensor from-npy -m m.tsv --part val all.npy | same - <(ser-tensor cat --part val all.sert)
    [ "$(names <(ser-tensor cat -p val all.sert) | wc -l)" = 6 ]
    fails 1 "no record is of the part 'other'" ser-tensor cat --part other all.sert
    numbers 4 | head -20 | npy few.npy '(20, 4)'
    fails 3 'few.npy: has 20 rows, but m.tsv lists 24 recordings' ser-tensor from-npy -m m.tsv few.npy
    fails 3 'all.npy: \(mine_1calm\): has 1 dimension, but its axes are time,channels: give them with --axes' \
        ser-tensor from-npy -m m.tsv --axes time,channels all.npy
    fails 2 "--axes: 'depth' is not one to three of" ser-tensor from-npy -m m.tsv --axes depth all.npy
}

@test "from-ark: there and back, and with a manifest" {
    numbers 6 | npy all.npy '(24, 3, 2)'
    ser-tensor from-npy -m m.tsv --axes time,channels all.npy -o seq.sert
    ser-tensor ark seq.sert -o seq.ark
    ser-tensor text seq.sert -o seq.txt
    ser-tensor from-ark -m m.tsv seq.ark | same - seq.sert
    ser-tensor from-ark -m m.tsv seq.txt | same - seq.sert
    ser-tensor from-ark seq.ark | ser-tensor ark | same - seq.ark
    # As ser-tensor ark -T writes features of bands and time.
    ser-tensor from-npy -m m.tsv all.npy -o bands.sert
    ser-tensor ark -T bands.sert | ser-tensor from-ark -T -m m.tsv | same - bands.sert
    ser-tensor from-ark <(printf 'u \0BDV \4\1\0\0\0\0\0\0\0\0\0\360?') | ser-tensor ls |
        tail -1 | diff - <(printf 'u\tf64\t1\t\n')
    fails 3 'seq.ark: record 2 \(mine_1happy\): the archive is cut short' ser-tensor from-ark <(head -c 70 seq.ark | cat) ||
        fails 3 'the archive is cut short' ser-tensor from-ark <(head -c 70 seq.ark)
    fails 3 'holds no \[: is this a list' ser-tensor from-ark <(echo 'u feats.ark:5')
}

@test "cat --manifest: recordings and their copies, as another split has them" {
    sox -R -n -r 16000 -b 16 a.wav synth 0.4 sine 300
    sox -R -n -r 16000 -b 16 b.wav synth 0.4 sine 500
    printf '%s\n' 'id path speaker emotion' 'a a.wav s1 sad' 'b b.wav s2 calm' | tr ' ' '\t' >all.tsv
    ser-augment -q --keep --any-part --rate 16000 --speed 0.9:1.1 all.tsv | ser-mfcc -q --frames 9 -o all.sert
    printf '%s\n' 'id path speaker emotion part' 'b b.wav s2 happy train' | tr ' ' '\t' >part.tsv
    ser-tensor cat --manifest part.tsv all.sert >part.sert
    ser-tensor ls -c emotion,part,aug part.sert | tail -n +2 | cut -f 1,4-5 | diff - <(printf '%s\thappy\ttrain\n' b "b#speed.1")
    ser-tensor cat -m 'b*' all.sert | ser-cmp --values - part.sert
    run ! ser-tensor cat --manifest part.tsv --part test all.sert
    # What is not there is told.
    ser-tensor cat -k b all.sert >b.sert
    fails 3 'all.tsv: \(a\): there are no features of a.wav' ser-tensor cat --manifest all.tsv b.sert
    fails 3 '1 of 2 recordings have no features: --keep-going' ser-tensor cat --manifest all.tsv b.sert
    fails 3 '1 recordings have no features' ser-tensor cat --manifest all.tsv --keep-going -o kept.sert b.sert
    ser-cmp kept.sert b.sert
    fails 2 'needs --manifest' ser-tensor cat --keep-going b.sert
}

@test "pad: to one length, the true one kept" {
    sox -R -n -r 22050 -b 16 short.wav synth 0.3 pinknoise
    sox -R -n -r 22050 -b 16 long.wav synth 1.1 pinknoise
    ser-mfcc -q --frames 0 short.wav long.wav -o free.sert
    ser-tensor pad --frames 30 free.sert >padded.sert
    ser-mfcc -q --frames 30 short.wav long.wav -o cut.sert
    ser-cmp --values padded.sert cut.sert
    ser-tensor ls -H padded.sert | diff - <(ser-tensor ls -H cut.sert)
    ser-tensor pad --frames 30 <free.sert | ser-tensor ls -c frames | tail -n +2 | cut -f 3,4 | diff - <(printf '40x30\t13\n40x30\t48\n')
    # Padded again: the true length stays, and what was cut does not come back.
    ser-tensor pad --frames 30 free.sert | ser-tensor pad --frames 20 | ser-tensor ls -c frames | tail -n +2 | cut -f 4 | diff - <(printf '13\n48\n')
    ser-tensor pad --frames 30 free.sert | ser-tensor pad --frames 40 | ser-tensor ls -c frames | tail -n +2 | cut -f 4 | diff - <(printf '13\n30\n')
    { echo 'name,a,b' && printf '%s\n' x,1,2 x,3,4 y,5,6; } | ser-tensor from-csv | ser-tensor pad --frames 2 |
        ser-tensor text | diff - <(printf 'x  [\n  1 2 \n  3 4 ]\ny  [\n  5 6 \n  0 0 ]\n')
    echo 'u [ 1 2 ]' | ser-tensor from-ark -o vector.sert
    fails 3 'vector.sert: is not features with an axis of time' ser-tensor pad --frames 2 vector.sert
    # What fills up features of --pad floor is another number for each recording.
    ser-tensor npy -k "$(ser-tensor ls free.sert | sed -n 2p | cut -f 1)" free.sert >one.npy
    ser-tensor from-npy --like free.sert --set feat.pad=floor one.npy >floor.sert
    fails 3 "record 1 .*: is shorter, and fills up with its own floor" ser-tensor pad --frames 30 floor.sert
    ser-tensor pad --frames 5 floor.sert | ser-tensor check
    fails 2 'pad needs --frames' ser-tensor pad free.sert
}

# learns NET AXES SHAPE: a network learns from such features and tells those of others apart; ONNX the same
learns() {
    printf '%b' "$1" >n.net
    ser-tensor from-npy -m m.tsv --axes "$2" all.npy -o all.sert
    for part in train val test; do ser-tensor cat --part $part all.sert -o $part.sert; done
    ser-train -q --net n.net --val val.sert --epochs 60 --lr 0.03 --patience 0 -o n.bin train.sert
    ser-tensor ls -H n.bin | grep -qx "input=$3"
    ser-score n.bin test.sert >p.tsv
    awk -F'\t' 'NR > 1 && $2 != $3 {bad++} END {exit NR != 7 || bad > 0}' p.tsv || fail "$(cat p.tsv)"
    ser-export --onnx n.bin -o n.onnx
    ser-tensor npy test.sert -o x.npy
    perl "$ROOT/tests/onnx.pl" run n.onnx x.npy >q.tsv
    paste <(tail -n +2 p.tsv | cut -f 5-7 | tr '\t' '\n') <(tr '\t' '\n' <q.tsv) |
        awk '{d = $1 - $2; if (d < 0) d = -d; if (d > 1e-5) bad = 1} END {exit NR != 18 || bad}' || fail "$(paste p.tsv q.tsv)"
}

@test "networks learn from vectors, sequences and images of any axes" {
    numbers 12 | npy all.npy '(24, 12)'
    learns 'standardize\ndense classes\n' channels 12
    cp n.bin vector.bin
    numbers 12 | npy all.npy '(24, 4, 3)'
    learns 'standardize\nbilstm 3\nmean\ndense classes\n' time,channels 4x3
    cp test.sert sequence.sert
    learns 'standardize\nlayersum\ndense classes\n' layers,channels 4x3
    learns 'standardize\nconv 3 2x3 relu\nreshape 9\ndense classes\n' time,bands 4x3
    numbers 12 | npy all.npy '(24, 2, 2, 3)'
    learns 'standardize\nconv 4 2x1 relu\nbatchnorm\nreshape 2x4\nmean\ndense classes\n' layers,time,channels 2x2x3
    learns 'standardize\nlayersum\nattend 1 units=4\ndense classes\n' layers,time,channels 2x2x3
    # A model takes no features of other axes, other names or another shape.
    fails 3 'sequence.sert: features of another recipe: feat.axes is time,channels, the model wants channels: make them' \
        ser-score vector.bin sequence.sert
    numbers 12 | npy all.npy '(24, 12)'
    ser-tensor from-npy -m m.tsv --axes time all.npy -o time.sert
    fails 3 'feat.axes is time, the model wants channels' ser-score vector.bin time.sert
    ser-tensor from-npy --key u <(head -1 <(numbers 5) | npy /dev/stdout '(5,)') --axes channels -o five.sert
    fails 3 'five.sert: record 1 \(u\): is f32 5, but the model needs f32 12' ser-score vector.bin five.sert
    # A vector without its axes told is not trained on.
    ser-tensor from-npy --key u <(head -1 <(numbers 5) | npy /dev/stdout '(5,)') -o bare.sert
    fails 3 'has no emotion' ser-train --net n.net --val bare.sert -o x.bin bare.sert
}

@test "sequences of several lengths: the way out is named" {
    { echo 'name,emotion,speaker,a,b' && printf '%s\n' x,sad,1,1,2 x,sad,1,3,4 y,calm,1,5,6; } | ser-tensor from-csv -o t.sert
    printf 'mean\ndense classes\n' >n.net
    fails 3 't.sert: record 2 \(y\): is 1x2, but the records before it are 2x2: give all one length: .ser-tensor pad' \
        ser-train --net n.net --val t.sert -o n.bin t.sert
    ser-tensor pad --frames 2 t.sert -o t2.sert
    { echo 'name,emotion,speaker,a,b' && printf '%s\n' x,sad,2,1,2 x,sad,2,3,4 y,calm,2,5,6; } | ser-tensor from-csv |
        ser-tensor pad --frames 2 -o v2.sert
    ser-train -q --net n.net --val v2.sert --epochs 1 -o n.bin t2.sert
    ser-tensor ls -H n.bin | grep -qx feat.frames=2
}

@test "linear.net: eGeMAPS to a score" {
    paste -d, <(cut -f 2 m.tsv | sed '1s/.*/file/') <({ seq -s, 88 && numbers 88 | tr ' ' ,; }) >t.csv
    for part in train val test; do ser-tensor from-csv -m m.tsv --part $part t.csv -o $part.sert; done
    ser-train -q --net "$ROOT/pipelines/nets/linear.net" --val val.sert -o m.bin train.sert
    ser-score m.bin test.sert | ser-eval --tsv | grep -qP '\tua\t-\t-\t1$'
}

@test "README: from embeddings of another program to a score" {
    sed -n '/768-dimensional/,/^`from-csv`/{/^    /s/^    //p}' "$ROOT/README.md" >five.sh
    [ "$(wc -l <five.sh)" = 5 ]
    ln -s "$ROOT/manifests" "$ROOT/pipelines" .
    {
        printf 'id\tpath\tcorpus\tspeaker\temotion\n'
        for s in {01..24}; do
            for e in calm sad; do printf '%s\t%s.wav\travdess\travdess_%s\t%s\n' $s$e $s$e $s $e; done
        done
    } >m.tsv
    numbers 768 | npy embeddings.npy '(48, 768)'
    bash -eu five.sh >report.txt
    grep -q 'unweighted recall' report.txt || fail "$(cat report.txt)"
    [ "$(names test.sert | wc -l)" = 10 ]
}
