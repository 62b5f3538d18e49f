#!/usr/bin/env bats
# What ser-train can do to samples, weights and draws: the same bytes for any number of threads and when resumed; a
# header that tells it; and what does not fit is refused.
load helper

# Six speakers, two kinds of sound of several lengths, as log-mel spectra and as MFCC.
setup_file() {
    load helper
    cd "$BATS_FILE_TMPDIR" || return 1
    printf 'id\tpath\tcorpus\tspeaker\temotion\tpart\n' >m.tsv
    local s part corpus
    for s in 1 2 3 4 5 6; do
        part=train
        [ $s -le 4 ] || part=val
        corpus=a
        [ $s != 1 ] || corpus=b
        sox -n -r 22050 -b 16 "calm$s.wav" synth 0.$((s + 2)) sine $((150 + 9 * s)) synth 0.3 sine fmod $((3 + s))
        sox -R -n -r 22050 -b 16 "sad$s.wav" synth 0.3 pinknoise gain -$s
        for e in calm sad; do
            printf '%s%d\t%s%d.wav\t%s\ts%d\t%s\t%s\n' $e $s $e $s $corpus $s $e $part >>m.tsv
        done
    done
    printf 'more1\tsad2.wav\ta\ts2\tsad\ttrain\n' >>m.tsv
    for part in train val; do
        awk -F'\t' -v p=$part 'NR == 1 || $6 == p' m.tsv >$part.tsv
        ser-mfcc -q --type logmel --bands 20 --frames 24 -m $part.tsv -o $part.sert
        ser-mfcc -q --coefs 13 --frames 24 -m $part.tsv -o mfcc-$part.sert
    done
    cat >small.net <<'NET'
standardize
conv 4 3x3 relu
batchnorm
maxpool 3x2
dropout 0.25
timemajor
lstm 8 l2=1e-4
mean
dense classes
NET
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$BATS_FILE_TMPDIR"/*.sert "$BATS_FILE_TMPDIR"/small.net .
}

train() { # train OUTPUT OPTION...
    local out=$1
    shift
    ser-train -q --net small.net --val val.sert --epochs 4 --batch 4 --patience 0 --lr 0.01 -o "$out" "$@" train.sert
}

differ() { # differ FILE FILE
    ! cmp -s "$1" "$2" || fail "$1 and $2 do not differ"
}

# header MODEL KEY: the value of train.KEY
header() {
    ser-tensor ls -H "$1" | sed -n "s/^train\.$2=//p"
}

# repeats OPTION...: for any number of threads, and cut after two epochs and resumed; another model than without
repeats() {
    train one.bin --threads 1 -c one.state --log one.tsv "$@"
    train many.bin --threads 5 "$@"
    same one.bin many.bin
    rm -f part.state
    train part.bin --epochs 2 -c part.state "$@"
    train part.bin --resume -c part.state --log part.tsv "$@" 2>err
    grep -qx 'resumed at epoch 2' err || fail "$(cat err)"
    same one.bin part.bin
    same one.state part.state
    same one.tsv part.tsv
    [ -e plain.bin ] || train plain.bin
    ser-tensor text one.bin >one.txt
    ser-tensor text plain.bin >plain.txt
    differ one.txt plain.txt # not only in what the header tells
}

@test "varied samples: every kind alone, and all together" {
    local options
    for options in '--mask 4:6:2' '--warp 15:0' '--warp 0:15' '--gain 3' '--filter 6' '--shift 4' '--mixup 0.4' \
        '--mask 4:6:2 --warp 15:15 --gain 3 --filter 6 --shift 4 --mixup 0.4'; do
        # shellcheck disable=SC2086
        repeats $options
    done
    run header one.bin '\(mask\|warp\|gain\|filter\|shift\|mixup\)'
    assert_output "6
3
4:6:2
0.40000000000000002
4
15:15"
    # Another seed varies otherwise.
    train other.bin --mask 4:6:2 --warp 15:15 --gain 3 --filter 6 --shift 4 --mixup 0.4 --seed 2
    differ one.bin other.bin
}

@test "a size of nothing is no option: the bytes and the header of before" {
    train plain.bin -c plain.state
    train none.bin -c none.state --mask 4:6:0 --warp 0:0 --gain 0 --filter 0 --shift 0 --mixup 0
    same <(ser-tensor text plain.bin) <(ser-tensor text none.bin)
    train none.bin --mask 0:0:0 --warp 0:0
    same plain.bin none.bin
    refute [ -n "$(header plain.bin '\(mask\|warp\|gain\|filter\|shift\|mixup\)')" ]
}

@test "validation hears recordings as they are" {
    train model.bin --mask 20:24:1 --gain 60 --keep last --schedule constant --log log.tsv
    ser-score -q model.bin val.sert | ser-eval --tsv >e.tsv
    awk -F'\t' 'FNR == NR {want = $10; next} $1 == "pooled" && $2 == "ua" {got = $5}
        END {exit !(got == want)}' log.tsv e.tsv || fail "$(cat log.tsv)"
}

@test "MFCC: masks, time, and the level in the first coefficient" {
    mfcc() { ser-train -q --net small.net --val mfcc-val.sert --epochs 1 --batch 4 -o m.bin "$@" mfcc-train.sert; }
    mfcc --mask 3:6:1 --warp 0:10 --gain 3 --shift 2 --mixup 0.2
    assert_equal "$(header m.bin warp)" 0:10
    fails 3 "mfcc-train.sert: --warp: cepstral coefficients are no bands of a spectrum, .*: give 0:10" mfcc --warp 5:10
    fails 3 "mfcc-train.sert: --filter: cepstral coefficients are no bands of a spectrum" mfcc --filter 3
    fails 3 "--mask: 14 bands and 6 frames of 13 and 24" mfcc --mask 14:6:1
    fails 3 "--mask: 3 bands and 25 frames of 13 and 24" mfcc --mask 3:25:1
}

@test "features of other axes, and normalised ones: what they cannot have is refused by name" {
    cp "$BATS_FILE_TMPDIR"/*.tsv .
    other() { ser-train -q --net other.net --val other-val.sert --epochs 1 --batch 4 -o m.bin "$@" other-train.sert; }
    printf 'standardize\nlstm 4\nmean\ndense classes\n' >other.net
    turned() { for part in train val; do
        ser-tensor ark ${2:+"$2"} $part.sert | ser-tensor from-ark --axes "$1" "${@:3}" -m "$BATS_FILE_TMPDIR/$part.tsv" -o other-$part.sert
    done; }
    turned time,channels -T
    other --mask 5:6:2 --warp 0:10 --shift 3 --mixup 0.2
    fails 3 "other-train.sert: --warp: channels are no bands of a spectrum, .*: give 0:10" other --warp 1:10
    fails 3 "--gain: what a decibel changes is known of features of ser-mfcc alone" other --gain 1
    turned time,channels -T --set feat.type=logmel # as if ser-mfcc could make such
    fails 3 "other-train.sert: --gain: channels are no bands of a spectrum" other --gain 1
    fails 3 "other-train.sert: --filter: channels are no bands of a spectrum" other --filter 1
    turned bands,time
    printf 'timemajor\nmean\ndense classes\n' >other.net
    other --mask 5:6:2 --warp 5:10 --shift 3
    fails 3 "--gain: what a decibel changes" other --gain 1
    turned time,bands -T
    printf 'reshape 480\ndense classes\n' >other.net
    other --mixup 0.2
    fails 3 "--mask: the axes of these features are time,bands, not bands,time or time,channels" other --mask 1:1:1
    fails 3 "--shift: the axes" other --shift 1
    for part in train val; do
        ser-tensor ark $part.sert | ser-tensor from-ark --axes bands,time --set feat.type=logmel,feat.norm=speaker -m $part.tsv -o other-$part.sert
    done
    other --warp 5:5
    fails 3 "--filter: these features are normalised" other --filter 1
    fails 3 "--gain: these features are normalised \(feat.norm=speaker\): decibels are gone" other --gain 1
}

@test "only true frames are varied: as many as a record's attribute says" {
    # The same numbers without the attribute: all frames are true.
    ser-tensor ark train.sert | ser-tensor from-ark --axes bands,time -m "$BATS_FILE_TMPDIR/train.tsv" \
        --set "$(ser-tensor ls -H train.sert | grep ^feat. | paste -sd,)" -o whole.sert
    alike() {
        ser-train -q --net small.net --val val.sert --epochs 1 --batch 4 -o a.bin "$@" train.sert
        ser-train -q --net small.net --val val.sert --epochs 1 --batch 4 -o b.bin "$@" whole.sert
        cmp -s a.bin b.bin
    }
    alike
    ! alike --shift 10 || fail "padding is shifted as sound is"
}

@test "weights: decay, averages, which recordings come; alone, and with varied samples" {
    local options
    for options in '--decay 0.3' '--average ema=0.8' '--average last=3 --horizon 5 --keep last' '--balance class' '--balance corpus' \
        '--balance both' '--decay 0.1 --average ema=0.9 --balance both --mixup 0.2 --mask 4:6:2 --warp 15:15 --keep loss'; do
        # shellcheck disable=SC2086
        repeats $options
    done
    run header one.bin '\(decay\|average\|balance\|keep\)'
    assert_output "ema=0.9
both
0.10000000000000001
loss"
    train none.bin --decay 0 --average none --balance none
    same plain.bin none.bin
    # The mean of the last epochs hangs on which is the last.
    train a.bin --average last=2 --epochs 2 --horizon 4 -c state
    assert_equal "$(header a.bin horizon)" 4
    fails 3 "train.horizon is 4 there, but 3 now" train a.bin --average last=2 --epochs 3 -c state --resume
    fails 3 "train.average is last=2 there, but ema=0.5 now" train a.bin --average ema=0.5 --epochs 4 -c state --resume
}

@test "a masked network: all of it together" {
    { echo masked && cat small.net; } >masked.net
    repeats --net masked.net --mask 4:6:2 --warp 15:15 --gain 3 --filter 6 --shift 4 --mixup 0.4 --decay 0.1 --average ema=0.9 --balance both \
        --freeze standardize1-batchnorm1
}

@test "--average: the figures of validation, and the model, are those of the averages" {
    train model.bin --average last=4 --log log.tsv --keep last
    ser-score -q model.bin val.sert | ser-eval --tsv >e.tsv
    awk -F'\t' 'FNR == NR {want = $6; next} $1 == "pooled" && $2 == "wa" {got = $5}
        END {exit !(got == want)}' log.tsv e.tsv || fail "$(cat log.tsv)"
    # Weights whose mean is made are other than those; what is trained on is the same.
    train plain.bin --log plain.tsv --keep last
    same <(cut -f 3,4 log.tsv) <(cut -f 3,4 plain.tsv)
    differ <(cut -f 5 log.tsv) <(cut -f 5 plain.tsv)
}

@test "--balance: each class of each corpus comes as often" {
    # Of 9 recordings one class has 5 and a corpus 2: no epoch is longer, and the loss tells which came.
    printf 'mean\ndense classes\n' >mean.net
    sed -i '1i timemajor' mean.net
    count() { ser-train -q --net mean.net --val val.sert --epochs 200 --batch 1 --lr 1e-12 --min-lr 0 --patience 0 --schedule constant \
        -o m.bin --log log.tsv "$@" train.sert; }
    count
    awk -F'\t' 'NR > 1 {if (min == "" || $3 < min) min = $3; if ($3 > max) max = $3} END {exit !(max - min < 1e-6)}' log.tsv ||
        fail "other recordings in each epoch"
    count --balance both
    awk -F'\t' 'NR > 1 {if (min == "" || $3 < min) min = $3; if ($3 > max) max = $3} END {exit !(max - min > 1e-3)}' log.tsv ||
        fail "the same recordings in each epoch"
}

@test "--init: what fits by name is taken, and the rest named; --freeze: what does not move" {
    train base.bin --seed 5
    repeats --init base.bin --freeze standardize1-maxpool1,lstm1
    assert_equal "$(header one.bin freeze)" standardize1,conv1,batchnorm1,lstm1
    # What is frozen is what it was, statistics too; the rest is not.
    values() { ser-tensor text -k "$2" "$1" | grep .; }
    for key in standardize1.mean conv1.w conv1.b batchnorm1.gamma batchnorm1.mean batchnorm1.var lstm1.u; do
        same <(values base.bin $key) <(values one.bin $key)
    done
    differ <(values base.bin dense1.w) <(values one.bin dense1.w)
    # By number, as rows of the summary, it is the same.
    train two.bin --init base.bin --freeze 1-4,7
    same one.bin two.bin
    # Not frozen, all moves.
    train moves.bin --init base.bin
    for key in conv1.w batchnorm1.mean lstm1.u; do
        differ <(values base.bin $key) <(values moves.bin $key)
    done
    assert_equal "$(header moves.bin init)" "$(header one.bin init)"
    # Another network, other classes: told by name.
    sed 's/lstm 8/lstm 9/; s/^mean/relu\nmean/' small.net >other.net
    run ser-train --net other.net --val val.sert --epochs 1 --init base.bin -o m.bin train.sert
    assert_success
    assert_line "base.bin: begins with 9 of its 13 parameters; new: lstm1.w (768 numbers there, 864 here), lstm1.u (256 numbers there, 324 here), lstm1.b (32 numbers there, 36 here), dense1.w (16 numbers there, 18 here)"
    refute_line --partial 'another recipe'
    local part
    for part in train val; do
        awk -F'\t' -v OFS='\t' '$5 == "sad" {$5 = "bored"} {print}' "$BATS_FILE_TMPDIR/$part.tsv" >$part.tsv
        (cd "$BATS_FILE_TMPDIR" && ser-mfcc -q --type logmel --bands 20 --frames 26 -m -) <$part.tsv >$part.sert
    done
    run ser-train --net small.net --val val.sert --epochs 1 --init base.bin -o m.bin train.sert
    assert_line "base.bin: begins with 11 of its 13 parameters; new: dense1.w (of other classes there), dense1.b (of other classes there)"
    assert_line "base.bin: was trained on features of another recipe: feat.frames differs"
}

@test "--init and --freeze: what cannot be" {
    train base.bin --epochs 1
    fails 4 "no.bin: cannot open" train m.bin --init ./no.bin
    fails 3 "train.sert: " train m.bin --init train.sert
    fails 2 "--init: a model is a file, not standard input" train m.bin --init -
    fails 2 "would be written over the input 'base.bin'" train base.bin --init base.bin
    printf 'reshape 480\ndense 4\ndense classes\n' >none.net
    fails 3 "base.bin: none of its parameters fits this network" train m.bin --init base.bin --net none.net
    for layers in conv2 0 10 'conv1,' ,conv1 '' lstm1-conv1 conv1-lstm9 conv1-lstm1-mean1; do
        fails 2 "--freeze: '.*' is no layer of this network" train m.bin --freeze "$layers"
    done
    fails 2 "--freeze 1-9: nothing is left to train" train m.bin --freeze 1-9
    # Another model to begin with is another training.
    train a.bin -c state --init base.bin --freeze conv1 --epochs 1
    train other.bin --seed 9 --epochs 1
    fails 3 "train.init is [0-9a-f]* there, but [0-9a-f]* now" train a.bin -c state --resume --init other.bin --freeze conv1
    fails 3 "train.freeze is conv1 there, but unset now" train a.bin -c state --resume --init base.bin
    run ser-train --net small.net --freeze conv1,lstm1 --val val.sert --summary train.sert
    assert_line 'total 1170, trained 26, statistics 1144'
    [ ! -e m.bin ]
}

@test "--soft: a teacher beside the labels; another one, its weight or temperature is another training" {
    train teacher.bin --seed 5
    ser-score -q teacher.bin train.sert -o t.tsv
    repeats --soft t.tsv --soft-weight 0.7 --soft-temperature 2 --mixup 0.4 --balance class --label-smoothing 0.1
    assert_equal "$(header one.bin 'soft_\(weight\|temperature\)' | paste -sd' ')" '2 0.69999999999999996'
    # In another order and with rows too many it is the same teacher; without a share it is none.
    { head -n 1 t.tsv && sed 1d t.tsv | tac && sed -n '2s/^[^\t]*/more/p' t.tsv; } >u.tsv
    train a.bin --soft t.tsv -c state --epochs 2
    assert_equal "$(header a.bin 'soft.*')" "$(header one.bin soft)" # defaults are not told
    train b.bin --soft u.tsv -c state --resume 2>err
    train none.bin --soft t.tsv --soft-weight 0
    same <(ser-tensor text none.bin) <(ser-tensor text plain.bin)
    differ <(ser-tensor text b.bin) <(ser-tensor text plain.bin)
    awk -F'\t' -v OFS='\t' 'NR == 2 {t = $5; $5 = $6; $6 = t} {print}' t.tsv >u.tsv
    fails 3 "train.soft is [0-9a-f]* there, but [0-9a-f]* now" train a.bin -c state --resume --soft u.tsv
    fails 3 "train.soft is [0-9a-f]* there, but unset now" train a.bin -c state --resume
    fails 3 "train.soft_weight is unset there, but 0.9.* now" train a.bin -c state --resume --soft t.tsv --soft-weight 0.9
    fails 3 "train.soft_temperature is unset there, but 2 now" train a.bin -c state --resume --soft t.tsv --soft-temperature 2
    fails 2 "--soft-weight needs --soft" train m.bin --soft-weight 0.5
    fails 2 "only one input can be standard input, not 2" train m.bin --soft - -
    fails 2 "would be written over the input 't.tsv'" train t.tsv --soft t.tsv
    [ ! -e m.bin ]
}

@test "--temperature: the logits are divided when it scores; training and its checkpoint are the same" {
    train cold.bin -c state --log cold.tsv
    train warm.bin --log warm.tsv --temperature 2
    same cold.tsv warm.tsv
    same <(ser-tensor text cold.bin) <(ser-tensor text warm.bin)
    assert_equal "$(header warm.bin temperature)" 2
    # A finished training writes its model with another temperature.
    train again.bin -c state --resume --temperature 2 2>err
    same warm.bin again.bin
    ser-score -q cold.bin val.sert >cold.p
    ser-score -q warm.bin val.sert >warm.p
    # Two classes: odds become their root.
    paste cold.p warm.p | awk -F'\t' 'NR > 1 {a = sqrt($5 / $6); b = $14 / $15; if (a / b < 0.99999 || a / b > 1.00001) exit 1; n++}
        END {exit !n}' || fail "$(paste cold.p warm.p)"
    same <(cut -f 1-3 cold.p) <(cut -f 1-3 warm.p)
    train plain.bin --temperature 1
    same cold.bin plain.bin
    fails 2 "--temperature: '0' is not a number from 0.01 to 100" train m.bin --temperature 0
}

@test "options of another training: its checkpoint is refused by name" {
    train a.bin -c state --mask 4:6:2 --epochs 1
    fails 3 "train.mask is 4:6:2 there, but 4:6:1 now" train a.bin -c state --resume --mask 4:6:1
    fails 3 "train.mask is 4:6:2 there, but unset now" train a.bin -c state --resume
    fails 3 "train.warp is unset there, but 1:0 now" train a.bin -c state --resume --mask 4:6:2 --warp 1:0
    fails 3 "train.filter is unset there, but 6 now" train a.bin -c state --resume --mask 4:6:2 --filter 6
}

@test "a search may draw what trains, but not how long, nor from what" {
    local name
    printf '%s\n' 'mask choice 0:0:0 4:6:2' 'warp choice 0:0 15:15' 'gain uniform 0 3' 'filter uniform 0 6' 'shift int 0 8' 'mixup uniform 0 0.4' \
        'decay log 1e-4 1e-1' 'average choice none ema=0.99 last=5' 'balance choice none class' \
        'soft-weight uniform 0 1' >s.space
    ser-tune draw --trials 40 s.space >drawn.tsv
    cut -f 11 drawn.tsv | grep -qx ema=0.99
    for name in init freeze temperature soft; do
        echo "$name choice a b" >bad.space
        fails 3 "bad.space: line 1: '$name' is no option" ser-tune draw bad.space
    done
}

@test "words that are no sizes are refused" {
    fails 2 "--mask: '4:6' is not BANDS:FRAMES:N, each a number from 0 to 65536" train m.bin --mask 4:6
    fails 2 "--mask: '4:6:1:1' is not BANDS" train m.bin --mask 4:6:1:1
    fails 2 "--mask: '' is not BANDS" train m.bin --mask ''
    fails 2 "--mask: 'a:6:1' is not BANDS" train m.bin --mask a:6:1
    fails 2 "--mask: '4:-6:1' is not BANDS" train m.bin --mask 4:-6:1
    fails 2 "--mask: 1.5 is not a whole number" train m.bin --mask 4:1.5:1
    fails 2 "--mask: 101 masks are more than 100" train m.bin --mask 4:6:101
    fails 2 "--warp: '5:91' is not BANDS:TIME, each a number from 0 to 90" train m.bin --warp 5:91
    fails 2 "--gain: '-1' is not a number from 0 to 60" train m.bin --gain -1
    fails 2 "--filter: '61' is not a number from 0 to 60" train m.bin --filter 61
    fails 2 "--shift: '1.5' is not a whole number" train m.bin --shift 1.5
    fails 2 "--mixup: 'x' is not a number" train m.bin --mixup x
    for average in ema ema=0 ema=1 ema=x last=0 last=1.5 last= mean ''; do
        fails 2 "--average: '$average' is not ema=X, X above 0 and below 1, last=N, or none" train m.bin --average "$average"
    done
    fails 2 "--average last=5: there are 4 epochs" train m.bin --average last=5
    fails 2 "--balance: 'sex' is none of none|class|corpus|both" train m.bin --balance sex
    fails 2 "--decay 10 times --lr 0.1 leaves nothing of the weights" train m.bin --decay 10 --lr 0.1
    [ ! -e m.bin ]
}
