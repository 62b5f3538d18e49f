#!/usr/bin/env bats
# ser-train and ser-score: they learn, repeat to the byte, resume, and refuse what is unfit.
load helper

# Twelve speakers, three kinds of sound, in parts train (8), val (2), test (2): made once for all tests.
setup_file() {
    load helper
    cd "$BATS_FILE_TMPDIR" || return 1
    printf 'id\tpath\tcorpus\tspeaker\tsex\temotion\tpart\n' >m.tsv
    local s part i
    for s in $(seq 1 12); do
        part=train
        [ "$s" -le 8 ] || part=val
        [ "$s" -le 10 ] || part=test
        for i in 1 2; do
            sox -n -r 22050 -b 16 "calm$s.$i.wav" synth 0.5 sine $((150 + 9 * s + i))
            sox -n -r 22050 -b 16 "happy$s.$i.wav" synth 0.5 sine $((500 + 9 * s)) synth 0.5 sine amod $((4 + i))
            sox -R -n -r 22050 -b 16 "sad$s.$i.wav" synth 0.5 pinknoise gain -$((s + i))
            for e in calm happy sad; do
                printf '%s%d.%d\t%s/%s%d.%d.wav\ttest\ts%02d\tmale\t%s\t%s\n' \
                    $e "$s" $i "$PWD" $e "$s" $i "$s" $e $part >>m.tsv
            done
        done
    done
    for part in train val test; do
        awk -F'\t' -v p=$part 'NR == 1 || $7 == p' m.tsv | ser-mfcc --frames 24 -m - -o $part.sert
    done
    # The notebook's layers, small.
    cat >small.net <<'NET'
standardize
conv 8 3x3 relu
batchnorm
maxpool 2x2
dropout 0.25
reshape 209x8
lstm 12 l2=1e-4
attention dot
mean
dropout 0.2
dense classes l2=1e-4
NET
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$BATS_FILE_TMPDIR"/*.sert "$BATS_FILE_TMPDIR"/small.net .
}

train() { # train OUTPUT OPTION...
    local out=$1
    shift
    ser-train -q --net small.net --val val.sert --epochs 6 --batch 10 --patience 0 -o "$out" "$@" train.sert
}

@test "the notebook's networks have its numbers of parameters" {
    for net in baseline attention; do
        ser-mfcc "$BATS_FILE_TMPDIR"/calm1.1.wav >/dev/null
        awk -F'\t' 'NR == 1 || $7 != "test"' "$BATS_FILE_TMPDIR/m.tsv" >m.tsv
        ser-mfcc -m <(awk -F'\t' 'NR == 1 || $7 == "train"' m.tsv) -o t.sert
        ser-mfcc -m <(awk -F'\t' 'NR == 1 || $7 == "val"' m.tsv) -o v.sert
        run ser-train --net "$ROOT/pipelines/nets/$net.net" --val v.sert --summary t.sert
        assert_success
        # 129 parameters a class in the last layer: 226,184 at 8 classes, 225,539 at 3.
        assert_line "total 225539, trained 225091, statistics 448"
        assert_line --regexp '^lstm1 +60 x 128 +131584$'
        assert_line --regexp '^conv3 +6 x 40 x 128 +73856$'
    done
}

@test "a reshape that mixes rows and frames is named, timemajor is not" {
    run ser-train --net small.net --val val.sert --epochs 1 -o a.bin train.sert
    assert_line 'reshape1 makes a sequence that does not run over time: its steps are pieces of the 19 rows, not frames; timemajor makes one of frames'
    sed 's/reshape.*/timemajor/' small.net >time.net
    run ser-train --net time.net --val val.sert --epochs 1 -o a.bin train.sert
    refute_output --partial 'does not run over time'
}

@test "a network with residuals, groups, GRUs and noise resumes to the same bytes" {
    printf '%s\n' standardize 'conv 8 3x3 same stride=2x2' 'mark a' 'conv 8 3x3 same groups=2' layernorm gelu 'add a' \
        'dropout2d 0.2' 'noise 0.1' timemajor 'bigru 6' 'attentivestats units=5' 'dense classes' >new.net
    train whole.bin --net new.net
    train part.bin --net new.net --epochs 2 --checkpoint c
    train part.bin --net new.net --checkpoint c --resume --threads 1
    cmp whole.bin part.bin
}

@test "a masked network does not hear padding" {
    local s e part
    for s in 1 2 3 9 10; do
        for e in calm happy sad; do
            part=train
            [ $s -lt 9 ] || part=val
            sox "$BATS_FILE_TMPDIR/$e$s.1.wav" $e$s.wav trim 0 0.$((2 + s % 3))$((s + ${#e} - 3))
            printf '%s%d\t%s%d.wav\ts%d\t%s\t%s\n' $e $s $e $s $s $e $part
        done
    done >rows.tsv
    cat >masked.net <<'NET'
masked
standardize
timemajor
conv1d 6 3 same stride=2 relu
bigru 4
attend 2 units=4
dense classes
NET
    sed 1d masked.net >plain.net
    for frames in 24 40; do
        for part in train val; do
            { printf 'id\tpath\tspeaker\temotion\tpart\n'; grep "$part\$" rows.tsv; } |
                ser-mfcc --quiet --frames $frames -m - -o $part.$frames
        done
        for net in masked plain; do
            ser-train -q --net $net.net --val val.$frames --epochs 6 --batch 4 --kernels plain --log $net.$frames.log \
                --mixup 0.3 --mask 4:6:2 --warp 0:0.1 --shift 2 \
                -o $net.$frames.bin train.$frames
            ser-score --kernels plain $net.$frames.bin val.$frames >$net.$frames.tsv
        done
    done
    # Lengths differ; how much padding there is changes nothing, neither in training nor afterwards.
    [ "$(ser-tensor ls train.24 | grep -o 'frames=.*' | sort -u | wc -l)" -gt 2 ]
    same masked.24.log masked.40.log
    same masked.24.tsv masked.40.tsv
    run cmp -s plain.24.log plain.40.log
    assert_failure
    # Only a masked model depends on which frames are true, and a checkpoint is bound to them.
    ser-tensor ls -H masked.24.bin | grep -q '^train.frames='
    run -1 grep '^train.frames=' <(ser-tensor ls -H plain.24.bin)
    more() { ser-train -q --net masked.net --val val.24 --batch 4 --checkpoint c -o part.bin "$@" train.24; }
    ser-train -q --net masked.net --val val.24 --epochs 6 --batch 4 --threads 3 -o whole.bin train.24
    more --epochs 3 --threads 1
    more --epochs 6 --resume
    cmp whole.bin part.bin
}

@test "a summary needs no data where the shape is given" {
    ser-train --net small.net --val val.sert --summary train.sert >want.txt
    ser-train --net small.net --summary --input 40x24 --classes 3 </dev/null | same - want.txt
    ser-train --net - --summary --input 40x24 --classes 3 <small.net | same - want.txt
    # The published network has 226,184 parameters.
    run ser-train --net "$ROOT/pipelines/nets/attention.net" --summary --input 40x174 --classes 8
    assert_line --partial "total 226184,"
    # A vector, and an image with channels.
    run ser-train --net - --summary --input 768 --classes 3 <<<'dense classes'
    assert_line --regexp '^dense1 +3 +2307$'
    run ser-train --net - --summary --input 5x4x2 --classes 3 <<<'conv 3 5x4'$'\n''reshape 3'
    assert_line --regexp '^conv1 +1 x 1 x 3 +123$'
    only() { fails 2 "$1" ser-train "${@:2}"; }
    # A sequence, of time by channels.
    run ser-train --net - --summary --input 99x768 --axes time,channels --classes 3 <<<$'bilstm 4\nmean\ndense classes'
    assert_success
    assert_line --regexp '^input +99 x 768 +0$'
    assert_line --regexp '^bilstm1 +99 x 8 '
    only "is not one to three of" --net small.net --summary --input 40x24 --axes time,chanels --classes 3
    only "has not the 2 axes of --axes time,channels" --net small.net --summary --input 40 --axes time,channels --classes 3
    only "belong together" --net small.net --summary --axes time,channels
    only "belong together" --net small.net --summary --input 40x24
    only "belong together" --net small.net --summary --classes 3
    only "belong together" --net small.net --input 40x24 --classes 3
    only "belong together" --summary --input 40x24 --classes 3
    only "for --summary alone" --net small.net --summary --input 40x24 --classes 3 train.sert
    only "for --summary alone" --net small.net --summary --input 40x24 --classes 3 --val val.sert
    only "for --summary alone" --net small.net --summary --input 40x24 --classes 3 -o m.bin
    for bad in 40x 0x24 40x24x1x1 x 40x-3 99999x2; do
        only "--input: '$bad' is not ROWSxFRAMES" --net small.net --summary --input $bad --classes 3
    done
    only "--classes: '1' is not a number from 2 to 256" --net small.net --summary --input 40x24 --classes 1
    fails 3 "small.net: line" ser-train --net small.net --summary --input 4x24 --classes 3
    fails 4 "none.net: cannot open" ser-train --net none.net --summary --input 4x24 --classes 3
}

@test "it learns: unseen speakers are told apart" {
    train model.bin --epochs 30 --lr 0.003 --log log.tsv
    ser-score model.bin test.sert >p.tsv
    [ "$(head -1 p.tsv)" = "$(printf 'id\temotion\tpredicted\tconfidence\tp_calm\tp_happy\tp_sad\tspeaker\tcorpus\tsex')" ]
    [ "$(wc -l <p.tsv)" = 13 ]
    awk -F'\t' 'NR > 1 {s = $5 + $6 + $7; if (s < 0.99999 || s > 1.00001) exit 1}' p.tsv
    awk -F'\t' 'NR > 1 && ($9 != "test" || $10 != "male" || $8 !~ /^s1[12]$/) {exit 1}' p.tsv
    ua=$(ser-eval --tsv p.tsv | awk '$1 == "pooled" && $2 == "ua" {print $5}')
    awk -v ua="$ua" 'BEGIN {exit !(ua >= 0.65)}' || fail "ua $ua"
    [ "$(head -1 log.tsv | cut -f 1-6)" = "$(printf 'epoch\tlr\tloss\taccuracy\tval_loss\tval_accuracy')" ]
    [ "$(wc -l <log.tsv)" = 31 ]
    # The model is the epoch with the best validation accuracy: the last one marked best.
    awk -F'\t' 'NR > 1 {if ($7 != ($6 > best)) exit 1; if ($6 > best) best = $6}' log.tsv
}

@test "same bytes for any number of threads, from a pipe, in shards; other bytes for another seed" {
    train a.bin -j 1 --log a.log
    for j in 2 3 7; do
        train b.bin -j $j --log b.log
        same a.bin b.bin
        same a.log b.log
    done
    for omp in 1 2 7; do
        OMP_NUM_THREADS=$omp train b.bin
        same a.bin b.bin
    done
    cat train.sert | ser-train -q --net small.net --val val.sert --epochs 6 --batch 10 --patience 0 -o b.bin
    same a.bin b.bin
    train b.bin --seed 2
    run cmp -s a.bin b.bin
    assert_failure 1
    train a.bin --kernels plain -j 1
    train b.bin --kernels plain -j 3
    same a.bin b.bin
}

@test "where memory ends the kernels are not exchanged for others: the same bytes, or exit 4" {
    # What takes memory of its own, and oneDNN's convolutions, which crash where they get none, are left out.
    if grep -q -e __asan_init -e __gcov_init "$(command -v ser-train)" || ! grep -q avx512f /proc/cpuinfo; then
        echo '# left out: a limit of memory, with sanitizers or without AVX-512' >&3
        return 0
    fi
    local of=$BATS_FILE_TMPDIR mb whole=0
    printf '%s\n' 'conv 64 3x3 relu' 'conv 128 3x3 relu' 'conv 128 3x3 relu' 'reshape 34x2304' mean 'dense classes' >wide.net
    learn() { ser-train -q --threads 2 --net wide.net --val "$of/val.sert" --epochs 1 --batch 16 "$@" "$of/train.sert"; }
    score() { ser-score -q --threads 2 all.bin "$of/test.sert" "$@"; }
    # Whether the libraries have room: one that has none ends the program before main does anything.
    loads() { bash -c "ulimit -v ${mb}000; $1 --version" >/dev/null 2>&1; }
    learn -o all.bin
    score -o all.tsv
    for ((mb = 40; mb < 400 && whole < 3; mb += 3)); do
        loads ser-score || continue
        run bash -c "ulimit -v ${mb}000; $(declare -f score); of=$of; score -o some.tsv"
        [[ $status =~ ^(0|4)$ ]] || fail "$mb MB: $status $output"
        [ "$status" != 0 ] || { cmp some.tsv all.tsv && rm some.tsv && whole=$((whole + 1)); }
        [ "$status" != 4 ] || [ ! -e some.tsv ] || fail "$mb MB: a result of what failed"
    done
    [ $whole = 3 ]
    whole=0
    for ((mb = 60; mb < 400 && whole < 2; mb += 6)); do
        loads ser-train || continue
        run bash -c "ulimit -v ${mb}000; $(declare -f learn); of=$of; learn -o some.bin"
        [[ $status =~ ^(0|4)$ ]] || fail "$mb MB: $status $output"
        [ "$status" != 0 ] || { cmp some.bin all.bin && rm some.bin && whole=$((whole + 1)); }
    done
    [ $whole = 2 ]
}

# shown COMMAND...: what it shows on a terminal, a line each time
shown() {
    script -qec "$(printf '%q ' "$@")" typescript </dev/null | tr '\r' '\n'
}

@test "on a terminal a line shows how far the work is and what is left; nowhere else, nor with -q" {
    local of=$BATS_FILE_TMPDIR
    have_terminal || return 0
    ser-train -q --net "$of/small.net" --val "$of/val.sert" --epochs 1 -o m.bin "$of/train.sert"
    run shown ser-mfcc -m "$of/m.tsv" -o f.sert
    assert_line --regexp '^ser-mfcc: [0-9]+/72 utterances, [0-9]+/s, [0-9]+ s left'
    run shown ser-augment --noise 0.1 --any-part "$of/m.tsv" -o a.sert
    assert_line --regexp '^ser-augment: [0-9]+/72 utterances, [0-9]+/s, [0-9]+ s left'
    run shown ser-score --batch 1 m.bin "$of/train.sert" "$of/val.sert" -o p.tsv
    assert_line --regexp '^ser-score: [0-9]+/(5[5-9]|6[01]) records, [0-9]+/s, [0-9]+ s left'
    run shown ser-train --net "$of/small.net" --val "$of/val.sert" --epochs 1 --batch 8 -o m.bin "$of/train.sert"
    assert_line --regexp '^ser-train: [0-9]+/6 batches, [0-9]+/s, [0-9]+ s left'
    # A model is no text, which is found out before the training.
    run shown ser-train --net "$of/small.net" --val "$of/val.sert" --epochs 1 -o /dev/stdout "$of/train.sert"
    assert_output --partial 'ser-train: will not write binary data to a terminal'
    refute_output --partial epoch
    run shown ser-score -q m.bin "$of/val.sert" -o p.tsv
    assert_output ''
    run ser-score m.bin "$of/val.sert" -o p.tsv
    assert_output ''
    run shown sh -c 'ser-score "$1" - -o p.tsv <"$2"' sh m.bin "$of/val.sert"
    assert_line --regexp '^ser-score: [0-9]+/1[0-3] records, [0-9]+/s, [0-9]+ s left'
    run shown sh -c 'cat "$2" | ser-score "$1" -o p.tsv' sh m.bin "$of/val.sert"
    assert_line --regexp '^ser-score: [0-9]+ records, [0-9]+/s'
}

@test "a killed training resumes and ends with the same bytes" {
    train whole.bin --log whole.log --checkpoint whole.ckpt
    # The state after three epochs, as a killed run leaves it.
    train part.bin --log run.log --checkpoint run.ckpt --epochs 3
    run --separate-stderr train run.bin --log run.log --checkpoint run.ckpt --resume
    assert_success
    [[ $stderr == *"resumed at epoch 3"* ]]
    same whole.bin run.bin
    same whole.log run.log
    same whole.ckpt run.ckpt
    run --separate-stderr train again.bin --checkpoint run.ckpt --resume
    [[ $stderr == *"resumed at epoch 6"* ]]
    same whole.bin again.bin
    # Without a checkpoint it begins.
    train fresh.bin --checkpoint none.ckpt --resume
    same whole.bin fresh.bin
    [ -z "$(find . -name '.ser-*')" ]
}

@test "a checkpoint of another training is refused by name" {
    train a.bin --checkpoint a.ckpt --epochs 2
    fails 3 "a.ckpt: checkpoint of another training: train.seed is 1 there, but 2 now" \
        train b.bin --checkpoint a.ckpt --resume --seed 2
    fails 3 "train.batch" train b.bin --checkpoint a.ckpt --resume --batch 9
    sed 's/conv 8/conv 9/; s/209x8/209x9/' small.net >other.net
    fails 3 "a.ckpt: checkpoint of another network" \
        ser-train -q --net other.net --val val.sert --epochs 6 --batch 10 --patience 0 -o b.bin \
        --checkpoint a.ckpt --resume train.sert
    head -c 3000 a.ckpt >cut.ckpt
    fails 3 "cut.ckpt: .*ends early" train b.bin --checkpoint cut.ckpt --resume
    fails 2 "--resume needs --checkpoint" train b.bin --resume
    fails 3 "beyond --epochs" train b.bin --checkpoint a.ckpt --resume --epochs 1
    [ ! -e b.bin ]
}

@test "early stopping and the plateau show in the log" {
    train a.bin --epochs 40 --patience 3 --lr-patience 1 --lr 0.02 --log a.log
    # Stops after three epochs without a smaller validation loss.
    awk -F'\t' 'NR == 2 || $5 < best {best = $5; wait = 0; if (NR == 2) next}
        NR > 2 {if ($5 > best) wait++; stop = $9; if ((wait >= 3) != stop) exit 1}
        END {exit !stop}' a.log
    awk -F'\t' 'NR > 2 && cut {if ($2 >= lr) exit 1; n++} {lr = $2; cut = $8 == 1} END {exit !n}' a.log
}

@test "schedules, warmup, and the log as JSON" {
    rates() { cut -f 2 "$1" | tail -n +2 | tr '\n' ' '; }
    train a.bin --schedule step --lr 0.01 --lr-patience 2 --lr-factor 0.1 --min-lr 0.0005 --log a.log
    [ "$(rates a.log)" = "0.01 0.01 0.001 0.001 0.0005 0.0005 " ]
    train a.bin --schedule cosine --lr 0.01 --min-lr 0 --epochs 4 --log a.log
    [ "$(rates a.log)" = "0.01 0.00853553391 0.005 0.00146446609 " ]
    train a.bin --warmup 3 --lr 0.004 --log a.log --json a.json
    [ "$(rates a.log)" = "0.001 0.002 0.003 0.004 0.004 0.004 " ]
    [ "$(wc -l <a.json)" = 6 ]
    [ "$(sed -n 2p a.json | grep -o '"lr":[^,]*')" = '"lr":0.002' ]
    grep -q '^{"step":1,"lr":0.001,"loss":[0-9.]*,"accuracy":[0-9.]*,"val_loss":[0-9.]*,"val_accuracy":[0-9.]*,"val_recall":[0-9.]*}$' a.json
    train a.bin --schedule constant --lr 0.004 --warmup 1 --log a.log
    [ "$(rates a.log)" = "0.002 0.004 0.004 0.004 0.004 0.004 " ]
    train a.bin --schedule cosine --lr 0.01 --min-lr 0 --epochs 2 --horizon 4 --log a.log
    [ "$(rates a.log)" = "0.01 0.00853553391 " ]
    fails 2 "plateau|step|cosine|constant" train a.bin --schedule linear
    fails 2 "--epochs 6 is beyond --horizon 5" train a.bin --schedule cosine --horizon 5
}

@test "--keep: the model is the epoch that is best by the figure that was asked for" {
    # A network that is too small and a rate that is too high, so that the figures go up and down.
    printf 'standardize\nreshape 960\ndense 2 relu\ndropout 0.5\ndense classes\n' >small.net
    local keep column epoch
    for keep in accuracy:6 recall:10 loss:5 last:1; do
        column=${keep#*:} keep=${keep%:*}
        train $keep.bin --keep $keep --lr 0.2 --epochs 12 --log $keep.log 2>err
        same <(cut -f 1-6,10 $keep.log) <(cut -f 1-6,10 accuracy.log)
        # best marks each epoch that is better than all before it; the model is the last of these.
        awk -F'\t' -v c="$column" -v less="$([ $keep = loss ] && echo 1)" '
            NR > 1 {v = less ? -$c : $c; if ($7 != (NR == 2 || v > best)) exit 1; if (NR == 2 || v > best) best = v}' $keep.log ||
            fail "$(cat $keep.log)"
        epoch=$(awk -F'\t' '$7 == 1 {e = $1} END {print e}' $keep.log)
        # Trained to that epoch alone, the last one is the same.
        train to.bin --keep last --lr 0.2 --epochs "$epoch"
        ser-cmp --values to.bin $keep.bin
        echo "$epoch" >>epochs
    done
    # They are not all one.
    [ "$(sort -u epochs | wc -l)" -ge 3 ] || fail "$(cat epochs)"
    # A header has the word only where it is not the default.
    [ "$(ser-tensor ls -H accuracy.bin | grep -c train.keep)" = 0 ]
    ser-tensor ls -H recall.bin | grep -qx 'train.keep=recall'
    train to.bin --keep accuracy --lr 0.2 --epochs 12
    same to.bin accuracy.bin
    ser-train --net small.net --val val.sert --keep recall --epochs 2 -o to.bin train.sert 2>err
    grep -q '^the model is epoch [12] of 2, val_recall 0\.' err
    fails 3 "train.keep is recall there, but loss now" bash -c '
        ser-train -q --net small.net --val val.sert --keep recall --epochs 1 -c c.bin -o to.bin train.sert
        ser-train -q --net small.net --val val.sert --keep loss --epochs 2 -c c.bin -r -o to.bin train.sert'
    fails 2 "accuracy|recall|loss|last" train a.bin --keep best
}

@test "val_recall is what ser-eval calls unweighted recall" {
    # Classes that are not equally frequent, so that it is no accuracy.
    awk -F'\t' 'NR == 1 || $7 == "val" && !/^sad/ || /^sad9.1/' "$BATS_FILE_TMPDIR/m.tsv" |
        ser-mfcc -q --frames 24 -m - -o val.sert
    train a.bin --keep last --epochs 2 --log a.log
    # Records of the validation part, since the model is of its last epoch.
    ua=$(ser-score a.bin val.sert | ser-eval --tsv | awk '$1 == "pooled" && $2 == "ua" {printf "%.6f", $5}')
    assert_equal "$(tail -1 a.log | awk -F'\t' '{printf "%.6f", $10}')" "$ua"
    [ "$(tail -1 a.log | cut -f 6)" != "$(tail -1 a.log | cut -f 10)" ] || fail "$(cat a.log)"
}

@test "--keep last without validation: cosine, to a fixed end" {
    blind() { ser-train -q --net small.net --keep last --epochs 4 --batch 10 "$@" train.sert; }
    blind -o a.bin --log a.log --json a.json
    blind -o b.bin --schedule cosine --patience 0
    same a.bin b.bin
    # The weights do not depend on whether somebody looks at them; the figures of validation are not known.
    train c.bin --keep last --epochs 4 --schedule cosine --log c.log
    ser-cmp --values a.bin c.bin
    same <(cut -f 1-4,7-9 a.log) <(cut -f 1-4,7-9 c.log)
    [ "$(cut -f 5,6,10 a.log | sed 1d | sort -u)" = "$(printf -- '-\t-\t-')" ]
    grep -qx '{"step":4,"lr":[0-9.e-]*,"loss":[0-9.]*,"accuracy":[0-9.]*}' a.json
    run ser-tensor ls -H a.bin
    assert_line train.schedule=cosine
    assert_line train.patience=0
    assert_line train.keep=last
    refute_output --partial train.val
    ser-score a.bin test.sert >p.tsv
    [ "$(wc -l <p.tsv)" = 13 ]
    ser-plot curves a.log >a.svg
    grep -q 'no validation' a.svg
    for schedule in step constant; do blind -o b.bin --schedule $schedule; done
    ser-train --net small.net --keep last --epochs 1 -o a.bin train.sert 2>err
    assert_equal "$(head -1 err)" "classes, training: calm 16, happy 16, sad 16"
    assert_equal "$(tail -1 err)" "the model is epoch 1 of 1"
    run grep val_ err
    assert_failure
    ser-train --keep last --net small.net --summary train.sert | grep -q '^total '
    for word in accuracy recall loss; do
        fails 2 "--net, --val and --output are needed \(--keep last needs no --val\)" blind --keep $word -o b2.bin
    done
    fails 2 "--patience needs --val" blind --patience 3 -o b2.bin
    fails 2 "--schedule plateau needs --val" blind --schedule plateau -o b2.bin
    [ ! -e b2.bin ]
}

@test "options that do not fit together are refused" {
    fails 2 "--net, --val and --output are needed" ser-train --net small.net --val val.sert train.sert
    fails 2 "--summary needs --net and --val, or --net, --input and --classes" ser-train --net small.net --summary train.sert
    fails 2 "only one input can be standard input, not 2" ser-train --net small.net --val - -o x.bin
    fails 2 "only one input can be standard input, not 3" ser-train --net - --val - -o x.bin train.sert -
    fails 2 "only one input can be standard input, not 2" ser-score -
    fails 2 "--log '-' and --summary '-' would be written over each other" ser-train --net small.net --val val.sert --summary --log - -o x.bin train.sert
    fails 2 "--output '-' and --log '-' would be written over each other" train - --log -
    fails 2 "--output '-' and --log '/dev/stdout' would be" train - --log /dev/stdout
    fails 2 "--log '/dev/stdout' and --json '-' would be" train x.bin --log /dev/stdout --json -
    fails 2 "--output '-' and --summary '-' would be" train - --summary
    fails 2 "--checkpoint is read by --resume" train x.bin --checkpoint -
    fails 2 "--log needs --output" ser-train --net small.net --val val.sert --summary --log x.log train.sert
    cp train.sert over.sert
    fails 2 "--json './over.sert' would be written over the input 'over.sert'" ser-train --net small.net --val val.sert -o x.bin --json ./over.sert over.sert
    same over.sert train.sert
    fails 2 "--min-lr 0.01 is above --lr 0.001" train x.bin --min-lr 0.01
    fails 2 "--label-smoothing 1 leaves nothing" train x.bin --label-smoothing 1
    [ ! -e x.bin ]
}

@test "log and JSON lines go to standard output, too" {
    train a.bin --log a.log --json a.json --checkpoint a.ckpt --epochs 3
    train b.bin --log - --epochs 3 >b.log
    train b.bin --json - --epochs 3 >b.json
    same a.log b.log
    same a.json b.json
    train b.bin --log - --checkpoint a.ckpt --resume --epochs 4 >c.log
    same a.log <(head -n 4 c.log)
    [ "$(tail -n +5 c.log | cut -f 1)" = 4 ]
}

@test "class weights, smoothing and clipping change the model, and are written into it" {
    train a.bin --epochs 1
    for option in "--label-smoothing 0.1" "--clip-norm 0.01"; do
        # shellcheck disable=SC2086
        train b.bin --epochs 1 $option
        run cmp -s a.bin b.bin
        assert_failure 1
    done
    ser-tensor ls -H b.bin | grep -q 'train.clip_norm=0.01'
    # All classes are equally frequent here: balanced weights are 1.
    train b.bin --epochs 1 --class-weight balanced
    run ser-cmp --values a.bin b.bin
    assert_success
    ser-tensor ls -H b.bin | grep -q 'train.class_weight=balanced'
}

@test "smoothed targets are those of the validation loss, too, as Keras evaluates it" {
    printf 'reshape 960\ndense classes\n' >small.net
    for x in 0 0.3; do
        train a.bin --epochs 1 --lr 1e-12 --min-lr 0 --label-smoothing $x --log - | sed 1d | cut -f 3,5 >$x.log
    done
    paste 0.log 0.3.log | awk '$1 == $3 || $2 == $4 {bad = 1} END {exit bad}' || fail "$(paste 0.log 0.3.log)"
    # The logits of this network lie far apart: a clipped loss could not be above -ln 1e-7.
    awk '$1 <= 16.2 || $2 <= 16.2 {exit 1}' 0.log || fail "$(cat 0.log)"
}

@test "a loss that is no number stops, named, and the best model so far is written" {
    # Many layers without normalisation, and weights that jump: products overflow in a few steps.
    { printf 'reshape 24x40\nmean\n'
        for _ in $(seq 24); do printf 'dense 32\n'; done
        printf 'dense classes\n'; } >deep.net
    run --separate-stderr ser-train -q --net deep.net --val val.sert -o x.bin --lr 3 --warmup 2 --kernels plain \
        --batch 48 --patience 0 train.sert
    assert_failure 3
    [[ $stderr =~ "not a finite number in epoch "[0-9]+ ]] || fail "$stderr"
    [[ $stderr == *"the best model so far was written"* ]]
    ser-score --kernels plain x.bin test.sert >p.tsv
    [ "$(wc -l <p.tsv)" = 13 ]
}

@test "unfit data is refused" {
    fails 3 "record 1 .calm11.1.: belongs to the test part" \
        ser-train -q --net small.net --val val.sert -o x.bin test.sert
    fails 3 "belongs to the test part" ser-train -q --net small.net --val test.sert -o x.bin train.sert
    ser-mfcc --frames 24 -m <(sed 's/\ttrain$/\tval/' "$BATS_FILE_TMPDIR/m.tsv" | grep -v 'test$') -o both.sert
    fails 3 "the speaker s0. is in both training and validation data" \
        ser-train -q --net small.net --val both.sert -o x.bin train.sert
    ser-mfcc --frames 24 -m <(sed 's/calm/fearful/g; /happy/d' "$BATS_FILE_TMPDIR/m.tsv" |
        awk -F'\t' 'NR == 1 || $7 == "val" && $6 == "sad"' | sed 's/\tsad\t/\tangry\t/') -o odd.sert
    fails 3 "the emotion 'angry' does not occur in the training data" \
        ser-train -q --net small.net --val odd.sert -o x.bin train.sert
    ser-mfcc --frames 24 "$BATS_FILE_TMPDIR"/calm1.1.wav >unlabelled.sert
    fails 3 "has no emotion" ser-train -q --net small.net --val val.sert -o x.bin unlabelled.sert
    fails 3 "empty input" ser-train -q --net small.net --val val.sert -o x.bin </dev/null
    head -c 5000 train.sert >cut.sert
    fails 3 "cut.sert: .*ends early" ser-train -q --net small.net --val val.sert -o x.bin cut.sert
    [ ! -e x.bin ]
}

@test "speakers may be in both parts of a random split" {
    random_split
    ser-train -q --net small.net --val v.sert -o x.bin --epochs 1 t.sert
}

# t.sert and v.sert, of which some speakers are in both
random_split() {
    awk -F'\t' -v OFS='\t' 'NR == 1 {$8 = $7; $7 = "split"; print; next}
        {$8 = NR <= 30 ? "train" : "val"; $7 = "random"; print}' "$BATS_FILE_TMPDIR/m.tsv" >r.tsv
    ser-mfcc --frames 24 -m <(head -30 r.tsv) -o t.sert
    ser-mfcc --frames 24 -m <(head -1 r.tsv; sed -n 31,40p r.tsv) -o v.sert
}

@test "a part is given as what it is, of a random split, too" {
    random_split
    fails 3 "t.sert: record 1 .calm1.1.: belongs to the part train, but is given as part val" \
        ser-train -q --net small.net --val t.sert -o x.bin t.sert
    fails 3 "v.sert: record 1 .*: belongs to the part val, but is given as part train" \
        ser-train -q --net small.net --val v.sert -o x.bin v.sert
    fails 3 "val.sert: record 1 .calm9.1.: belongs to the part val" \
        ser-train -q --net small.net --val val.sert -o x.bin train.sert val.sert
    [ ! -e x.bin ]
    # What names no part is taken as it is given.
    for part in train val; do
        awk -F'\t' -v p=$part 'NR == 1 || $7 == p' "$BATS_FILE_TMPDIR/m.tsv" | cut -f 1-6 |
            ser-mfcc --frames 24 -m - -o $part-unnamed.sert
    done
    ser-train -q --net small.net --val val-unnamed.sert -o x.bin --epochs 1 train-unnamed.sert
}

@test "a wrong network names its line" {
    net() { printf '%b' "$1" >bad.net; fails 3 "$2" ser-train -q --net bad.net --val val.sert -o x.bin train.sert; }
    net 'conv 8 3x3 relu\nblah 3\n' "bad.net: line 2.*blah"
    net 'conv 8 300x3 relu\nreshape 1x8\nmean\ndense classes\n' "bad.net: line 1"
    net 'reshape 7x7\nmean\ndense classes\n' "bad.net: line 1"
    net 'conv 8 3x3\n' "bad.net: "
    net '' "bad.net: "
    net 'reshape 960x1\nlstm 99999999\nmean\ndense classes\n' "bad.net: line 2"
    fails 4 "none.net: cannot open" ser-train --net none.net --val val.sert -o x.bin train.sert
}

@test "a model scores no features made another way, and no damaged model scores" {
    train model.bin --epochs 1
    ser-mfcc --frames 24 --hop 400 "$BATS_FILE_TMPDIR"/calm1.1.wav >hop.sert
    fails 3 "hop.sert: features of another recipe: feat.hop is 400, the model wants 512" \
        ser-score model.bin hop.sert -o p.tsv
    fails 3 "model.bin: a stream of kind model, but features is needed" ser-score model.bin model.bin -o p.tsv
    fails 3 "test.sert: a stream of kind features, but model" ser-score test.sert test.sert -o p.tsv
    size=$(stat -c %s model.bin)
    for n in 0 1 63 64 200 5000 $((size - 1)); do
        head -c "$n" model.bin >cut.bin
        fails 3 "cut.bin" ser-score cut.bin test.sert -o p.tsv
    done
    for at in 9 70 300 4000 $((size - 9)); do
        { head -c "$at" model.bin; printf '\377'; tail -c +$((at + 2)) model.bin; } >flip.bin
        fails 3 "flip.bin" ser-score flip.bin test.sert -o p.tsv
    done
    [ ! -e p.tsv ]
    head -c 3000 test.sert >cut.sert
    fails 3 "cut.sert: .*ends early" ser-score model.bin cut.sert -o p.tsv
    fails 2 "no model is given" ser-score
    [ ! -e p.tsv ]
}

@test "a model behind what it shall score: the two were swapped" {
    printf 'reshape 960\ndense classes\n' >small.net
    train model.bin --epochs 1
    fails 3 "calm1.1.wav: .*; model.bin is a model: were the two swapped\? The model comes first" \
        ser-score "$BATS_FILE_TMPDIR/calm1.1.wav" model.bin -o p.tsv
    fails 3 "test.sert: a stream of kind features, but model is needed; model.bin is a model: were" \
        ser-score test.sert val.sert model.bin -o p.tsv
    fails 3 "val.sert: a stream of kind features, but model is needed$" ser-score val.sert test.sert none.bin -o p.tsv
    fails 2 "none.bin: no such file, and no model of that name" ser-score none.bin model.bin -o p.tsv
    fails 4 "none.bin: cannot open: No such file or directory$" ser-score ./none.bin model.bin -o p.tsv
    [ ! -e p.tsv ]
}

@test "one line scores a recording, however its records arrive" {
    train model.bin --epochs 2
    ser-mfcc --frames 24 <"$BATS_FILE_TMPDIR/happy11.1.wav" | ser-score model.bin >p.tsv
    [ "$(cut -f 1,2 p.tsv | tail -1)" = "$(printf 'stdin\t-')" ]
    ser-score model.bin test.sert >all.tsv
    for b in 1 3 7; do
        ser-score -b $b model.bin test.sert | cmp - all.tsv
        ser-score -j $b model.bin <test.sert | cmp - all.tsv
    done
    { cat test.sert; cat val.sert; } | ser-score model.bin >both.tsv
    [ "$(wc -l <both.tsv)" = 25 ]
    ser-score model.bin test.sert val.sert | cmp - both.tsv
}

@test "--heard adds what was heard of each recording" {
    train model.bin --epochs 1
    sox -n -r 22050 -b 16 none.wav trim 0 0.5
    sox -n -r 22050 -b 16 short.wav synth 0.05 sine 300
    sox -n -r 22050 -b 16 long.wav synth 3 sine 300
    # 24 frames are 0.557 s.
    ser-mfcc -q --frames 24 none.wav short.wav long.wav -o h.sert
    ser-score -q model.bin h.sert >plain.tsv
    ser-score -q --heard model.bin h.sert >h.tsv
    cut -f 1-10 h.tsv | cmp - plain.tsv
    assert_equal "$(cut -f 1,11- h.tsv | tr '\t' ' ')" "id heard_s unheard_s silent
none.wav 0.488 0 yes
short.wav 0.050 0 no
long.wav 0.557 2.443 no"
    # Who reads scores goes by the names of the columns.
    ser-score -q --heard model.bin test.sert >t.tsv
    ser-score -q model.bin test.sert >u.tsv
    ser-eval t.tsv >t.txt
    ser-eval u.tsv >u.txt
    same t.txt u.txt
}

@test "a model of generated speech says so" {
    local part
    for part in train val test; do
        awk -F '\t' -v OFS='\t' -v p=$part 'NR == 1 {print $0, "generated"} $7 == p {print $0, n++ ? "no" : word}' \
            word=yes "$BATS_FILE_TMPDIR/m.tsv" | ser-mfcc -q --frames 24 -m - -o $part.marked
    done
    train plain.bin --epochs 1
    ser-train -q --net small.net --val val.marked --epochs 1 --batch 10 --patience 0 -o val.bin train.sert
    same plain.bin val.bin
    ser-train -q --net small.net --val val.sert --epochs 1 --batch 10 --patience 0 -o made.bin train.marked
    assert_equal "$(diff <(ser-tensor ls -H plain.bin) <(ser-tensor ls -H made.bin) | grep '^[<>]' | cut -f 1)" "> train.generated=yes"
    run ser-cmp --values plain.bin made.bin
    assert_success
    run --separate-stderr ser-score made.bin test.sert -o p.tsv
    assert_success
    assert_equal "$stderr" "ser-score: made.bin: was trained on generated speech: what it makes of real voices is not known"
    for way in "-q made.bin" plain.bin; do
        # shellcheck disable=SC2086
        run --separate-stderr ser-score $way test.sert -o q.tsv
        assert_success
        assert_equal "$stderr" ""
    done
    same p.tsv q.tsv
}

@test "output that cannot be written: exit 4" {
    run --separate-stderr train /dev/full --epochs 1
    assert_failure 4
    fails 4 "nowhere/m.bin: cannot write" train nowhere/m.bin --epochs 1
    train model.bin --epochs 1
    run bash -c 'ser-score model.bin test.sert > /dev/full'
    assert_failure 4
}

# row_arrives N FILE: FILE gets its line N within ten seconds
row_arrives() {
    local i
    for i in $(seq 100); do
        [ "$(wc -l <"$2")" -lt "$1" ] || return 0
        sleep 0.1
    done
    fail "$2 has no line $1"
}

@test "a row is there before the next stream, or the rest of the next record, arrives" {
    train model.bin --epochs 1
    ser-tensor head -n 1 test.sert >one.sert
    mkfifo feed
    ser-score model.bin <feed >p.tsv &
    exec 7>feed
    cat one.sert >&7
    row_arrives 2 p.tsv
    head -c 4000 one.sert >&7
    sleep 0.2
    tail -c +4001 one.sert >&7
    row_arrives 3 p.tsv
    { cat one.sert; head -c 4000 one.sert; } >&7
    row_arrives 4 p.tsv
    tail -c +4001 one.sert >&7
    exec 7>&-
    wait $!
    [ "$(wc -l <p.tsv)" = 5 ]
}

@test "probabilities that are no numbers are no predictions" {
    printf 'reshape 960\ndense 500\ndense classes\n' >small.net
    train model.bin --epochs 1
    ser-tensor npy -k happy11.1 test.sert >x.npy
    { head -c 128 x.npy; for _ in $(seq 960); do printf '\377\377\177\177'; done; } >big.npy
    ser-tensor from-npy -k big --like test.sert big.npy >big.sert
    fails 3 "record \(big\): the model's probabilities are not numbers" ser-score model.bin big.sert -o p.tsv
    [ ! -e p.tsv ]
}

@test "what cannot be written is found out before the first epoch" {
    mkdir folder
    for option in -o --checkpoint --log --json; do
        fails 4 "^[^ ]*: none/x: cannot write: No such file" \
            ser-train --net small.net --val val.sert -o m.bin $option none/x train.sert
        fails 4 "folder: cannot write: is a folder" \
            ser-train --net small.net --val val.sert -o m.bin $option folder train.sert
    done
    [ -z "$(ls -A folder)" ]
    run ls -A
    refute_output --partial .ser-
    [ ! -e m.bin ]
}

@test "input that is no stream is refused at once, however long it is" {
    fails 3 "<stdin>: not a tensor stream" timeout 20 \
        ser-train --net small.net --val val.sert -o m.bin < <(yes)
    train model.bin --epochs 1
    fails 3 "small.net: not a tensor stream: ser-mfcc makes features of audio" ser-score model.bin small.net -o p.tsv
}

@test "the classes with their samples are shown first, the epoch that was kept last" {
    sed -n '/^dense/p; 1i reshape 960' small.net >s.net
    for patience in 1 0; do
        ser-train --net s.net --val val.sert --epochs 5 --lr 0.1 --patience $patience -o m.bin -l log.tsv train.sert 2>err
        assert_equal "$(head -1 err)" "classes, training + validation: calm 16 + 4, happy 16 + 4, sad 16 + 4"
        assert_equal "$(tail -1 err)" "$(awk -F'\t' '$7 == 1 {e = $1; a = $6}
            END {printf "the model is epoch %d of %d, val_accuracy %.4f", e, $1, a}' log.tsv)"
    done
    ser-train -q --net s.net --val val.sert --epochs 2 -o m.bin train.sert 2>err
    [ ! -s err ]
}

@test "classes that differ in case or blanks only are named" {
    # relabel FROM TO PART: PART.sert, with every other recording of FROM called TO
    relabel() {
        awk -F'\t' -v p="$3" 'NR == 1 || $7 == p' "$BATS_FILE_TMPDIR/m.tsv" |
            awk -v FS='\t' -v OFS='\t' -v from="$1" -v to="$2" '$6 == from && n++ % 2 {$6 = to} {print}' |
            ser-mfcc -q --frames 24 -m - -o "$3.sert"
    }
    local name
    for name in Sad 'sad ' ' SAD' "$(printf 'sad\302\240')"; do
        relabel sad "$name" train
        run --separate-stderr train m.bin --epochs 1
        assert_success
        [[ $stderr == "ser-train: the classes '"*"' and '"*"' differ in case or blanks only: if they are one, give it one name in the manifest" ]] ||
            fail "$stderr"
        [[ $stderr == *"'sad'"* && $stderr == *"'$name'"* ]] || fail "$stderr"
        [ "$(wc -l <<<"$stderr")" = 1 ]
    done
    for name in sads sa happ; do
        relabel sad "$name" train
        run --separate-stderr train m.bin --epochs 1
        assert_success
        assert_equal "$stderr" ""
    done
    cp "$BATS_FILE_TMPDIR/train.sert" .
    relabel sad Sad val
    fails 3 "val.sert: the emotion 'Sad' does not occur in the training data, but 'sad' does: only case or blanks differ" \
        train m.bin --epochs 1
}

@test "classes are in the order of their code points, in any locale" {
    local calm happy=Zorn sad=angst # a-umlaut behind all of ASCII, capitals before small letters
    calm=$(printf '\303\244rger')
    for part in train val; do
        awk -F'\t' -v p=$part 'NR == 1 || $7 == p' "$BATS_FILE_TMPDIR/m.tsv" |
            awk -v FS='\t' -v OFS='\t' -v calm="$calm" -v happy=$happy -v sad=$sad '
                {sub(/^calm$/, calm, $6); sub(/^happy$/, happy, $6); sub(/^sad$/, sad, $6); print}' |
            ser-mfcc -q --frames 24 -m - -o $part.sert
    done
    for locale in C C.UTF-8 de_DE.UTF-8; do
        LC_ALL=$locale train model.bin --epochs 1
        assert_equal "$(ser-tensor ls -H model.bin | grep classes)" "$(printf 'classes=Zorn,angst,\303\244rger')"
    done
    LC_ALL=C.UTF-8 ser-score model.bin val.sert >p.tsv
    assert_equal "$(head -1 p.tsv | cut -f 5-7)" "$(printf 'p_Zorn\tp_angst\tp_\303\244rger')"
    assert_equal "$(LC_ALL=C.UTF-8 ser-eval --json p.tsv | head -1)" "$(printf '{"classes":["Zorn","angst","\303\244rger"],')"
}

@test "an emotion that cannot be a class is told with its record" {
    for emotion in 'a,b' -; do
        printf 'id\tpath\temotion\nx\t%s\t%s\n' "$BATS_FILE_TMPDIR/calm1.1.wav" "$emotion" >x.tsv
        ser-mfcc --frames 24 -m x.tsv -o x.sert
        fails 3 "x.sert: record 1 \(x\): .*emotion" \
            ser-train --net small.net --val val.sert -o m.bin train.sert x.sert
    done
}
