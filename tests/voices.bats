#!/usr/bin/env bats
# ser-tensor stats and normalize: statistics of voices, and features by them.
load helper

# table FILE: 2 speakers of 3 recordings each, sequences of 2 to 4 frames of 2 channels, whose sums are easy
table() {
    {
        echo 'name,speaker,corpus,emotion,p,q'
        awk 'BEGIN {
            for (s = 1; s <= 2; s++) for (i = 1; i <= 3; i++) for (t = 1; t <= 1 + i; t++)
                printf "r%d%d,v%d,c,%s,%d,%d\n", s, i, s, i % 2 ? "sad" : "calm", 10 * s + i * t, s == 1 ? 5 : -i
        }'
    } >"$1"
}

# moments SPEAKER COLUMN: mean and deviation of the table's column of a speaker, by the definition
moments() {
    awk -F, -v s="$1" -v c="$2" 'NR > 1 && $2 == s {n++; x[n] = $c; sum += $c} END {
        for (i = 1; i <= n; i++) square += (x[i] - sum / n) ^ 2
        printf "%.6f %.6f\n", sum / n, sqrt(square / n)
    }' t.csv
}

# values FILE KEY: the numbers of a record, one a line
values() {
    ser-tensor text -k "$2" "$1" | tr -d '[]' | tr ' ' '\n' | grep -E '^-?[0-9]' | awk '{printf "%.6f\n", $1}'
}

@test "stats: mean and deviation of every feature of each voice" {
    table t.csv
    ser-tensor from-csv t.csv -o t.sert
    ser-tensor stats --by speaker t.sert -o s.sert
    ser-tensor ls -H s.sert | grep -vx 'feat.names=.*' | diff - <(printf '%s\n' feat.axes=time,channels kind=statistics stats.by=speaker)
    ser-tensor ls s.sert | diff - <(printf 'key\ttype\tshape\tattributes\nv1\tf64\t2x2\tframes=9 records=3\nv2\tf64\t2x2\tframes=9 records=3\n')
    for v in v1 v2; do
        paste -d ' ' <(moments $v 5) <(moments $v 6) | awk '{print $1; print $3; print $2; print $4}' | diff - <(values s.sert $v)
    done
    # In any order, of pipes and of several files, and of padded features: the same voices.
    ser-tensor cat -m 'r2*' t.sert -o 2.sert
    ser-tensor cat -m 'r1*' t.sert -o 1.sert
    ser-tensor stats --by speaker 2.sert 1.sert | cmp - s.sert
    cat t.sert | ser-tensor stats --by speaker | cmp - s.sert
    ser-tensor pad --frames 9 t.sert | ser-tensor stats --by speaker -o padded.sert
    ser-cmp --values s.sert padded.sert
    ser-tensor stats --by corpus t.sert | ser-tensor ls | tail -1 | cut -f 1,3,4 | diff - <(printf 'c\t2x2\tframes=18 records=6\n')
    ser-tensor stats --by all t.sert | ser-tensor ls | tail -1 | cut -f 1,4 | diff - <(printf 'all\tframes=18 records=6\n')
    ser-tensor stats --by all --match 'r1*' t.sert | ser-tensor npy | cmp - <(ser-tensor npy -k v1 s.sert)
}

@test "normalize: mean 0 and deviation 1 over the true frames, for features of any axes" {
    table t.csv
    ser-tensor from-csv t.csv | ser-tensor pad --frames 9 -o t.sert
    ser-tensor normalize --by speaker t.sert -o n.sert
    # A channel that never changes, q of v1, is 0; padding stays 0; all else is what the definition says.
    ser-tensor ls -H n.sert | diff - <({ ser-tensor ls -H t.sert && echo feat.norm=speaker; } | sort)
    ser-tensor ls n.sert | diff - <(ser-tensor ls t.sert)
    ser-tensor stats --by speaker n.sert -o again.sert
    values again.sert v1 | sed 's/-0\./0./' | tr '\n' ' ' | diff - <(printf '0.000000 0.000000 1.000000 0.000000 ')
    values again.sert v2 | sed 's/-0\./0./' | tr '\n' ' ' | diff - <(printf '0.000000 0.000000 1.000000 1.000000 ')
    [ "$(values n.sert r21 | tail -n +5 | sort -u)" = 0.000000 ]
    # Rows over time, layers of channels, vectors.
    for axes in 'bands,time 3x9x2' 'layers,channels 3x9x2' 'channels 6x9' 'layers,time,channels 3x3x3x2'; do
        set -- $axes
        perl -e 'print pack("f<*", map {$_ * $_ % 11} 1 .. 54)' >raw
        { printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (${2//x/, }), }" && cat raw; } >x.npy
        { printf 'id\tpath\temotion\tspeaker\n' && seq "${2%%x*}" | sed 's/.*/r&\tr&.wav\tsad\tv1/'; } >m.tsv
        ser-tensor from-npy -m m.tsv --axes "$1" x.npy -o x.sert
        ser-tensor normalize --by speaker x.sert | ser-tensor stats --by speaker -o again.sert
        values again.sert v1 | sed 's/-0\./0./' >got
        half=$(($(wc -l <got) / 2))
        [ "$(head -$half got | sort -u)" = 0.000000 ]
        [ "$(tail -$half got | sort -u)" = 1.000000 ] || fail "$axes: $(cat got)"
    done
    ser-tensor ls again.sert | grep -q '^v1	f64	2x3x2	frames=9'
}

@test "normalize: padding of zeros stays, that of the floor goes along" {
    sox -R -n -r 22050 -b 16 a.wav synth 0.3 pinknoise
    printf 'id\tpath\tspeaker\tcorpus\na\ta.wav\tv\tc\n' >m.tsv
    for pad in zero floor; do
        ser-mfcc -q --frames 20 --pad $pad -m m.tsv -o x.sert
        ser-tensor normalize --by speaker x.sert -o by.sert
        ser-mfcc -q --frames 20 --pad $pad --normalize utterance -m m.tsv -o utterance.sert
        ser-cmp --values --atol 1e-5 by.sert utterance.sert
    done
}

@test "a model takes features that were normalised like its own, and no others" {
    table t.csv
    ser-tensor from-csv t.csv | ser-tensor pad --frames 4 -o t.sert
    ser-tensor normalize --by speaker t.sert -o n.sert
    printf 'mean\ndense classes\n' >n.net
    for x in t n; do ser-train -q --net n.net --keep last --epochs 1 -o $x.bin $x.sert; done
    ser-tensor ls -H n.bin | grep -qx feat.norm=speaker
    ser-score -q n.bin n.sert >p.tsv
    fails 3 "feat.norm is unset, the model wants speaker: pass them through 'ser-tensor normalize --by speaker'" ser-score n.bin t.sert
    fails 3 "feat.norm is speaker, the model wants unset" ser-score t.bin n.sert
    fails 3 "n.sert: is normalised already, by speaker" ser-tensor normalize --by all n.sert
    ser-tensor normalize --by corpus t.sert | ser-tensor ls -H | grep -qx feat.norm=corpus
    # ser-mfcc makes features as the model wants them, before they are normalised.
    sox -R -n -r 22050 -b 16 a.wav synth 0.3 pinknoise
    ser-mfcc -q a.wav -o plain.sert
    ser-tensor normalize --by speaker --one-speaker plain.sert | ser-tensor ls -H | grep -qx feat.norm=speaker
    ser-tensor normalize --by speaker --one-speaker plain.sert | ser-mfcc -q --like /dev/stdin a.wav | cmp - plain.sert
}

@test "statistics known before: --with, --prior" {
    table t.csv
    ser-tensor from-csv t.csv -o t.sert
    ser-tensor stats --by speaker t.sert -o s.sert
    ser-tensor normalize --by speaker t.sert -o n.sert
    ser-tensor normalize --with s.sert t.sert | cmp - n.sert
    cat t.sert | ser-tensor normalize --with s.sert | cmp - n.sert
    # One voice, whatever the records say.
    ser-tensor cat -m 'r1*' t.sert -o 1.sert
    ser-tensor stats --by speaker --one-speaker 1.sert -o me.sert
    ser-tensor ls me.sert | tail -1 | cut -f 1 | grep -qx -e -
    ser-tensor normalize --with me.sert --one-speaker 1.sert | cmp - <(ser-tensor cat -m 'r1*' n.sert)
    ser-tensor normalize --with <(ser-tensor cat -k v1 s.sert) --one-speaker 1.sert | cmp - <(ser-tensor cat -m 'r1*' n.sert)
    fails 3 't.sert: record 1 \(r11\): me.sert: no statistics of its speaker: give --one-speaker' ser-tensor normalize --with me.sert t.sert -o x.sert
    # Few frames are shrunk: (n own + k prior) / (n + k) of mean and variance, the prior the mean of its voices.
    ser-tensor stats --by speaker --match 'r21' t.sert -o few.sert
    ser-tensor normalize --with few.sert --prior s.sert --prior-weight 6 --match 'r2*' t.sert -o shrunk.sert
    {
        echo "$(moments v1 5) $(moments v2 5)"
        values few.sert v2 | tr '\n' ' '
        echo
        ser-tensor cat -k r23 t.sert | ser-tensor text | tr -d '[]' | awk 'NF == 2 {print $1}'
    } | awk 'NR == 1 {mean = ($1 + $3) / 2; variance = ($2 ^ 2 + $4 ^ 2) / 2; next}
        NR == 2 {mean = (2 * $1 + 6 * mean) / 8; variance = (2 * $3 ^ 2 + 6 * variance) / 8; next}
        {printf "%.4f\n", ($1 - mean) / sqrt(variance)}' >want
    values shrunk.sert r23 | awk 'NR % 2 {printf "%.4f\n", $1}' | diff - want
    # Nothing is known of a voice: the prior alone.
    {
        echo "$(moments v1 5) $(moments v2 5)"
        ser-tensor cat -k r12 t.sert | ser-tensor text | tr -d '[]' | awk 'NF == 2 {print $1}'
    } | awk 'NR == 1 {mean = ($1 + $3) / 2; variance = ($2 ^ 2 + $4 ^ 2) / 2; next} {printf "%.4f\n", ($1 - mean) / sqrt(variance)}' >want
    ser-tensor normalize --with few.sert --prior s.sert --match r12 t.sert -o prior.sert
    values prior.sert r12 | awk 'NR % 2 {printf "%.4f\n", $1}' | diff - want
    fails 3 'is a stream of kind features, not of statistics, nor a model' ser-tensor normalize --with t.sert t.sert
    fails 3 's.sert: statistics of other features: feat.axes is time,channels, but unset of these' \
        ser-tensor normalize --with s.sert <(sox -n -r 8000 -t wav - synth 0.1 sine 300 | ser-mfcc -q)
}

@test "a model holds its training speakers' statistics: ser-train --prior, normalize --prior MODEL" {
    table t.csv
    ser-tensor from-csv t.csv | ser-tensor pad --frames 4 -o t.sert
    ser-tensor stats --by speaker t.sert -o s.sert
    ser-tensor normalize --by speaker t.sert -o n.sert
    printf 'mean\ndense classes\n' >n.net
    train=(ser-train -q --net n.net --keep last --epochs 2)
    "${train[@]}" -o without.bin n.sert
    "${train[@]}" --prior s.sert -o n.bin n.sert
    # One record more, the mean of the speakers; all else is the same.
    ser-tensor ls n.bin | diff - <(ser-tensor ls without.bin && printf 'prior\tf64\t2x2\tframes=18 records=6\n')
    ser-tensor cat n.bin -m '[!p]*' | cmp - without.bin
    awk -F, 'NR > 1 {n[$2]++; sum[$2] += $5} END {printf "%.6f\n", (sum["v1"] / n["v1"] + sum["v2"] / n["v2"]) / 2}' t.csv |
        diff - <(values n.bin prior | head -1)
    ser-score -q n.bin n.sert | cmp - <(ser-score -q without.bin n.sert)
    ser-export --onnx n.bin | cmp - <(ser-export --onnx without.bin)
    ser-tensor stats --by speaker --match r21 t.sert -o few.sert
    ser-tensor normalize --with few.sert --prior n.bin --match 'r2*' t.sert | cmp - <(ser-tensor normalize --with few.sert --prior s.sert --match 'r2*' t.sert)
    # A training that is resumed gives the same.
    "${train[@]}" --prior s.sert -c c.ckpt -o c.bin n.sert
    cmp c.bin n.bin
    "${train[@]}" --prior s.sert -c c.ckpt --resume -o c.bin n.sert
    cmp c.bin n.bin
    fails 3 'without.bin: holds no statistics of its training speakers' ser-tensor normalize --by speaker --prior without.bin t.sert
    fails 3 "s.sert: the features are not normalised" ser-train -q --net n.net --keep last --prior s.sert -o x.bin t.sert
    fails 2 '--prior: statistics are a file' ser-train -q --net n.net --keep last --prior - -o x.bin n.sert
    ser-tensor from-ark <(printf 'u [\n 1 2\n 3 4 ]\n') | ser-tensor stats --by all -o other.sert
    fails 3 'other.sert: statistics of other features: feat.names' ser-train -q --net n.net --keep last --prior other.sert -o x.bin n.sert
    # Other records behind the parameters are none of a model.
    ser-tensor cat without.bin <(ser-tensor cat -k prior n.bin) <(ser-tensor cat -k prior n.bin) -o twice.bin
    fails 3 'is not a parameter of this network' ser-score twice.bin n.sert
}

@test "known from N recordings: drawn, listed, left out" {
    {
        echo 'name,speaker,p'
        awk 'BEGIN {for (s = 1; s <= 2; s++) for (i = 1; i <= 9; i++) print "r" s i ",v" s "," i * i * s}'
    } >t.csv
    ser-tensor from-csv t.csv -o t.sert
    ser-tensor stats --by speaker --recordings 4 --used used.tsv t.sert -o 4.sert
    [ "$(cut -f 1 used.tsv | sort | uniq -c | tr -s ' \n' ' ')" = ' 1 speaker 4 v1 4 v2 ' ]
    # They are those that the statistics are of; fewer are among more; the order of the input does not matter.
    awk -F'[\t,]' 'NR == FNR {use[$2] = 1; next} use[$1] && $2 == "v2" {sum += $3; n++} END {printf "%.6f\n", sum / n}' used.tsv t.csv |
        diff - <(values 4.sert v2 | head -1)
    ser-tensor stats --by speaker --recordings 2 --used two.tsv t.sert -o 2.sert
    [ "$(comm -13 <(sort used.tsv) <(sort two.tsv) | wc -l)" = 0 ]
    { head -1 t.csv && tail -n +2 t.csv | sort -r; } | ser-tensor from-csv | ser-tensor stats --by speaker --recordings 4 -o turned.sert
    ser-cmp --values --atol 1e-9 turned.sert 4.sert
    ser-tensor stats --by speaker --recordings 4 --seed 1 t.sert >other.sert
    run ! cmp -s other.sert 4.sert
    ser-tensor stats --by speaker --recordings 99 t.sert | cmp - <(ser-tensor stats --by speaker t.sert)
    # What the statistics are of is not scored; the others are the same for every N.
    ser-tensor normalize --by speaker --recordings 2 --leave-out 4 t.sert -o scored.sert
    ser-tensor ls scored.sert | tail -n +2 | cut -f 1 | sort | diff - <(tail -n +2 t.csv | cut -d, -f 1 | grep -vwFf <(cut -f 2 used.tsv) | sort)
    ser-tensor normalize --with 2.sert t.sert | ser-tensor cat -k "$(ser-tensor ls scored.sert | sed -n 2p | cut -f 1)" |
        cmp - <(ser-tensor cat -k "$(ser-tensor ls scored.sert | sed -n 2p | cut -f 1)" scored.sert)
    fails 2 'draw from what --by measures' ser-tensor normalize --with 2.sert --recordings 2 t.sert
    fails 2 '--seed is that of --recordings' ser-tensor stats --by speaker --seed 2 t.sert
    fails 2 '--used lists what --recordings draws' ser-tensor stats --by speaker --used x t.sert
    fails 2 'written over each other' ser-tensor stats --by speaker --recordings 1 --used x t.sert -o ./x
    fails 2 'written over each other' ser-tensor stats --by speaker --recordings 1 --used - t.sert
}

@test "altered copies do not count where the voice has recordings as they are" {
    for i in 1 2 3; do sox -R -n -r 22050 -b 16 $i.wav synth 0.2 sine ${i}00; done
    { echo id path speaker emotion corpus && printf '%s sad c\n' '1 1.wav v' '2 2.wav v' '3 3.wav w'; } | tr ' ' '\t' >m.tsv
    mfcc=(ser-mfcc -q --window 512 --hop 512 --bands 8 --coefs 4 --frames 9)
    ser-augment -q --any-part --keep --noise 0.01 m.tsv | "${mfcc[@]}" -o both.sert
    ser-augment -q --any-part --keep m.tsv | "${mfcc[@]}" -o plain.sert
    ser-augment -q --any-part --noise 0.01 m.tsv | "${mfcc[@]}" -o altered.sert
    ser-tensor stats --by speaker both.sert -o s.sert
    ser-tensor stats --by speaker plain.sert | cmp - s.sert
    ser-tensor stats --by speaker altered.sert both.sert | cmp - s.sert
    ser-tensor stats --by speaker altered.sert | ser-tensor ls -c records | tail -n +2 | cut -f 1,4 | diff - <(printf 'v\t2\nw\t1\n')
    # All copies are normalised, and those of a recording that is left out are, too.
    ser-tensor normalize --by speaker both.sert | ser-tensor ls | wc -l | grep -qx 7
    ser-tensor normalize --by speaker --recordings 1 --leave-out 1 --used u.tsv both.sert | ser-tensor ls | tail -n +2 | cut -f 1 >left
    [ "$(wc -l <left)" = 2 ]
    run comm -12 <(sed 's/#.*//' left | sort -u) <(tail -n +2 u.tsv | cut -f 2 | sort)
    assert_output ""
}

@test "what cannot be: named, exit 2 or 3, no output" {
    table t.csv
    ser-tensor from-csv t.csv -o t.sert
    ser-tensor stats --by speaker t.sert -o s.sert
    fails 2 'stats needs --by' ser-tensor stats t.sert -o x.sert
    fails 2 'normalize needs either --by speaker, corpus or all, or --with' ser-tensor normalize t.sert -o x.sert
    fails 2 'normalize needs either' ser-tensor normalize --by all --with s.sert t.sert -o x.sert
    fails 2 '--prior-weight is that of --prior' ser-tensor normalize --by all --prior-weight 3 t.sert -o x.sert
    fails 2 'the command stats has no option --prior' ser-tensor stats --by all --prior s.sert t.sert -o x.sert
    fails 2 '--one-speaker is said of features by speaker' ser-tensor stats --by all --one-speaker t.sert -o x.sert
    fails 3 's.sert: is not features' ser-tensor stats --by all s.sert -o x.sert
    cut -d, -f 1,5,6 t.csv | ser-tensor from-csv -o bare.sert
    fails 3 'bare.sert: record 1 \(r11\): has no speaker: if all are of one, say --one-speaker' ser-tensor stats --by speaker bare.sert -o x.sert
    fails 3 'bare.sert: record 1 \(r11\): has no corpus' ser-tensor normalize --by corpus bare.sert -o x.sert
    ser-tensor from-ark <(printf 'u [\n 1 2\n 3 4 ]\nv [\n 5 6 7 ]\n') -o uneven.sert
    fails 3 'uneven.sert: record 2 \(v\): has features 3 \(time left out\), but others have 2' ser-tensor stats --by all uneven.sert -o x.sert
    ser-tensor npy s.sert -o s.npy
    ser-tensor from-npy --key v1 --kind features --set stats.by=speaker s.npy | ser-tensor from-npy --key v1 --set kind=statistics s.npy -o odd.sert
    fails 3 'odd.sert: its header does not tell stats.by' ser-tensor normalize --with odd.sert t.sert -o x.sert
    fails 1 "is of the part 'test'" ser-tensor stats --by all --part test t.sert -o x.sert
    [ ! -e x.sert ]
}

# learned STREAM PRIOR WEIGHT: all values of STREAM's windows of one recording, by the definition: of frames with other
# times, in windows that are speech, mean and variance up to each window, shrunk; one a line
learned() {
    { values "$2" -; ser-tensor ls -c start_s,from_s,speech,frames "$1" | tail -n +2; ser-tensor text "$1" | tr -d '[]'; } |
        awk -v rows=4 -v weight="$3" -v hop=0.016 '
        NR <= 2 * rows {prior[NR] = $1; next}
        NF == 7 && $2 == "f32" {from[$1] = $5 == "-" ? $4 : $5; speech[$1] = $6; frames[$1] = $7; next}
        NF == 1 && ($1 in from) {key = $1; row = 0; next}
        NF {
            at = int(from[key] / hop + 0.5)
            row++
            for (t = 1; t <= NF; t++) {
                x[row, t] = $t
                if (t <= frames[key] && speech[key] >= 0.3 && !((row, at + t) in heard)) {
                    heard[row, at + t] = $t
                    n[row]++
                }
            }
            mean = square = 0
            for (i in heard) {split(i, part, SUBSEP); if (part[1] == row) mean += heard[i] / n[row]}
            for (i in heard) {split(i, part, SUBSEP); if (part[1] == row) square += (heard[i] - mean) ^ 2}
            mean = (n[row] * mean + weight * prior[row]) / (n[row] + weight)
            deviation = sqrt((square + weight * prior[rows + row] ^ 2) / (n[row] + weight))
            for (t = 1; t <= NF; t++) printf "%.3f\n", (t > frames[key] ? 0 : (x[row, t] - mean) / deviation)
        }'
}

@test "normalize --adapt: the speech so far, a frame that windows share once, shrunk" {
    mfcc=(ser-mfcc --rate 8000 --window 256 --hop 128 --bands 16 --coefs 4 --top-db 0 --frames 20 --every 0.096)
    espeak-ng -v en -w say.wav 'tell me what you did on the way home'
    sox -R say.wav -r 8000 -b 16 a.wav pad 0.6 0.5
    sox -R -n -r 8000 -b 16 b.wav synth 0.9 pinknoise
    ser-mfcc -q --rate 8000 --window 256 --hop 128 --bands 16 --coefs 4 --top-db 0 --frames 99 b.wav |
        ser-tensor stats --by speaker --one-speaker -o prior.sert
    "${mfcc[@]}" a.wav -o a.sert
    ser-tensor ls -c speech a.sert | tail -n +2 | awk '{n[$4 < 0.3]++} END {exit !n[0] || !n[1]}'
    adapt=(ser-tensor normalize --adapt --prior prior.sert --prior-weight 30)
    "${adapt[@]}" a.sert -o n.sert
    ser-tensor ls -H n.sert | grep -qx feat.norm=speaker
    all() { ser-tensor text "$1" | tr -d '[]' | tr ' ' '\n' | grep -E '^-?[0-9][-+.0-9e]*$' | awk '{printf "%.3f\n", $1}'; }
    near() { paste "$1" "$2" | awk 'NF != 2 || ($1 - $2) ^ 2 > 1e-5 {bad = 1; print} END {exit bad || !NR}'; }
    near <(all n.sert) <(learned a.sert prior.sert 30)
    # Trimmed windows tell where their frames begin; the prior is of features that were trimmed likewise.
    sox -R say.wav -r 8000 -b 16 gap.wav pad 0.5@1
    ser-mfcc --rate 8000 --window 256 --hop 128 --bands 16 --coefs 4 --top-db 0 --trim 30 --frames 50 --every 0.192 gap.wav -o trimmed.sert
    ser-tensor ls -c from_s,frames,speech trimmed.sert | grep -q $'\t1\.[0-9]*\t[1-4][0-9]\t0.[4-9]'
    ser-tensor stats --by speaker --one-speaker trimmed.sert -o trimmed-prior.sert
    ser-tensor normalize --adapt --prior trimmed-prior.sert --prior-weight 30 trimmed.sert -o n.sert
    near <(all n.sert) <(learned trimmed.sert trimmed-prior.sert 30)
    "${adapt[@]}" a.sert -o n.sert
    # Another recording is another voice, unless one speaks in all; what is before this one in time is another recording.
    "${mfcc[@]}" b.wav -o b.sert
    ser-tensor cat <("${adapt[@]}" a.sert) <("${adapt[@]}" b.sert) | cmp - <("${adapt[@]}" a.sert b.sert)
    run ! cmp -s <("${adapt[@]}" a.sert b.sert) <("${adapt[@]}" --one-speaker a.sert b.sert)
    cp a.wav c.wav
    "${mfcc[@]}" c.wav -o c.sert
    ser-cmp --values <("${adapt[@]}" --one-speaker a.sert a.sert) <("${adapt[@]}" --one-speaker a.sert c.sert)
    fails 2 'adapt needs --prior' ser-tensor normalize --adapt a.sert -o x.sert
    fails 2 'needs either' ser-tensor normalize --adapt --by all --prior prior.sert a.sert -o x.sert
    fails 3 'statistics of other features' ser-tensor normalize --adapt --prior prior.sert <(ser-mfcc -q b.wav) -o x.sert
}
