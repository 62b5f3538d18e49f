# A training that is killed anywhere and resumed gives the bytes of one that never was; one whose data changes,
# or whose loss is no number, ends with a message; and data may be larger than memory.
# bats file_tags=slow
load helper
load fault/fault

# Six speakers, two kinds of sound, one a sample too many for even batches.
setup_file() {
    export F
    F=$(memory_folder)
    cd "$F" || return 1
    printf 'id\tpath\tspeaker\temotion\tpart\n' >m.tsv
    local s part
    for s in 1 2 3 4 5 6; do
        part=train
        [ $s -le 4 ] || part=val
        sox -n -r 22050 -b 16 "calm$s.wav" synth 0.3 sine $((150 + 9 * s)) synth 0.3 sine fmod $((3 + s))
        sox -R -n -r 22050 -b 16 "sad$s.wav" synth 0.3 pinknoise gain -$s
        for e in calm sad; do
            printf '%s%d\t%s%d.wav\ts%d\t%s\t%s\n' $e $s $e $s $s $e $part >>m.tsv
        done
    done
    printf 'more1\tsad2.wav\ts1\tcalm\ttrain\nmore2\tcalm5.wav\ts6\tsad\tval\n' >>m.tsv
    for part in train val; do
        awk -F'\t' -v p=$part 'NR == 1 || $5 == p' m.tsv | ser-mfcc -q --frames 12 -m - -o $part.sert
    done
    # Every kind of layer that keeps something; enough weights for a checkpoint of several writes.
    cat >small.net <<'NET'
standardize
conv 4 3x3 relu
batchnorm
maxpool 4x2
dropout 0.25
reshape 45x4
lstm 40 l2=1e-4
attention dot
mean
dropout 0.2
dense classes l2=1e-4
NET
}

teardown_file() {
    rm -rf "$F"
}

setup() {
    cd "$F" || return 1
}

# train FOLDER OPTION...: into model.bin, log.tsv, log.json and state.bin of FOLDER
train() {
    local to=$1
    shift
    ser-train -q --net small.net --val val.sert --epochs 8 --batch 4 -j 1 -o "$to/model.bin" --log "$to/log.tsv" \
        --json "$to/log.json" --checkpoint "$to/state.bin" "$@" train.sert
}

# The epochs in a checkpoint.
epochs_of() {
    ser-tensor text -k state "$1" | awk 'NF > 5 {for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]/) {print $i; exit}}'
}

# points CALL HOW STEP: what is to be tried of count[CALL] calls
points() {
    local n
    for ((n = 1; n <= count[$1]; n += $3)); do
        echo "$1:$n:$2"
    done
}

# killed_everywhere POINTS OPTION...: the training with these options, killed at each of POINTS
killed_everywhere() {
    local points=$1 point status epochs said
    shift
    for point in $points; do
        rm -rf run
        mkdir run
        status=0
        inject "$point" train run "$@" 2>err || status=$?
        assert_equal "$point: $status" "$point: 137"
        epochs=0
        [ ! -e run/state.bin ] || epochs=$(epochs_of run/state.bin)
        train run "$@" --resume 2>err || fail "$point: $(cat err)"
        said=$(sed -n 's/^resumed at epoch //p' err)
        assert_equal "$point: ${said:-0}" "$point: $epochs"
        for file in model.bin log.tsv log.json state.bin; do
            cmp "run/$file" "whole/$file" || fail "$point: $file is not that of a run never killed"
        done
        # At most the temporary that was being written is left, which nothing ever reads.
        [ "$(find run -type f ! -name model.bin ! -name 'log.*' ! -name state.bin | wc -l)" -le 1 ] ||
            fail "$point: left: $(ls -A run)"
        printf '%s\t%s\tyes\n' "$point" "$epochs" >>"${SER_KILLS:-kills}"
    done
}

# The 50 and more points: every rename, so also between a checkpoint's last write and it; half-written
# writes; every sync, of files and folders; reading, which is every sample of every batch.
@test "killed at any write, sync, rename or batch: plateau, early stop, best model, clipping" {
    have_faults || return 0
    local options=(--kernels plain --lr 0.01 --patience 2 --lr-patience 1 --warmup 1 --clip-norm 0.5 --label-smoothing 0.1
        --class-weight balanced)
    rm -rf whole kills
    mkdir whole
    inject '' train whole "${options[@]}" 2>err
    counts
    # The callbacks are in play: a rate that was cut, an early stop, a best epoch that is not the last.
    awk -F'\t' 'NR > 1 {cut += $8; best = $7 ? NR : best; stop = $9} END {exit !(cut && stop && best < NR)}' whole/log.tsv ||
        fail "$(cat whole/log.tsv)"
    killed_everywhere "$(points write torn 1) $(points rename kill 1) $(points fsync kill 3) $(points pread kill 11)" \
        "${options[@]}"
    run awk '{n++; resumed += $2 > 0} END {print (n >= 50), (resumed >= 30), (n - resumed > 3)}' kills
    assert_output "1 1 1"
}

@test "killed at any rename, or while it reads: cosine, fast kernels" {
    have_faults || return 0
    local options=(--lr 0.01 --schedule cosine --patience 0 --average ema=0.9 --balance class --decay 0.1 --mask 4:4:1 --warp 0:20
        --mixup 0.2)
    rm -rf whole kills
    mkdir whole
    inject '' train whole "${options[@]}" 2>err
    counts
    killed_everywhere "$(points rename kill 3) $(points pread kill 23)" "${options[@]}"
    run awk '{n++; resumed += $2 > 0} END {print (n >= 10), (resumed > 3)}' kills
    assert_output "1 1"
}

@test "killed again and again, each time an epoch further" {
    have_faults || return 0
    rm -rf whole run
    mkdir whole run
    train whole 2>err
    local status=1 kills=0
    while [ $status != 0 ]; do
        status=0
        # Going on writes the logs anew (2), then comes an epoch's checkpoint and its logs (3).
        inject "rename:5:kill" train run --resume 2>err || status=$?
        case $status in
        0) break ;;
        137) kills=$((kills + 1)) ;;
        *) fail "$status: $(cat err)" ;;
        esac
        [ $kills -le 8 ] || fail "it gets no further"
    done
    [ $kills -ge 5 ] || fail "$kills kills"
    for file in model.bin log.tsv log.json state.bin; do
        same run/$file whole/$file
    done
}

@test "trained in pieces whose schedule has one horizon: the bytes of one go" {
    local options
    for options in "--schedule cosine --patience 0" "--schedule cosine --keep last --patience 0 --warmup 2" \
        "--keep recall --patience 0 --lr-patience 1" "--schedule constant --keep loss --patience 3"; do
        rm -rf whole run
        mkdir whole run
        # shellcheck disable=SC2086
        train whole $options
        for epochs in 1 3 6 8; do
            # shellcheck disable=SC2086
            train run $options --epochs $epochs --horizon 8 --resume 2>err
        done
        for file in model.bin log.tsv log.json state.bin; do
            same run/$file whole/$file
        done
    done
    train run --schedule cosine --patience 0 --epochs 2 --horizon 8
    fails 3 "train.horizon is 8 there, but 9 now" train run --schedule cosine --patience 0 --epochs 4 --horizon 9 --resume
    fails 3 "train.horizon is 8 there, but 4 now" train run --schedule cosine --patience 0 --epochs 4 --resume
    ser-tensor ls -H run/model.bin | grep -qx train.horizon=8
}

@test "a search's winner: in pieces without validation" {
    rm -rf whole run
    mkdir whole run
    blind() { ser-train -q --net small.net --keep last --batch 4 -o "$1/model.bin" --log "$1/log.tsv" -c "$1/state.bin" \
        --resume "${@:2}" train.sert 2>err; }
    blind whole --epochs 5
    blind run --epochs 2 --horizon 5
    blind run --epochs 5 --horizon 5
    for file in model.bin log.tsv state.bin; do
        same run/$file whole/$file
    done
    fails 3 "train.val is unset there, but [0-9a-f]+ now" train run --keep last --epochs 5 --patience 0 --schedule cosine --resume
}

# while_stopped FAULT FILE CHANGE...: trains on copies of the data, stops at FAULT, does CHANGE to FILE, goes on
while_stopped() {
    local fault=$1 file=$2 i
    shift 2
    rm -rf run
    mkdir run
    cp train.sert val.sert run
    SER_FAULT=$fault LD_PRELOAD=$BUILD/fault.so ser-train -q --kernels plain --net small.net --val run/val.sert --epochs 2 \
        --batch 4 -j 1 -o run/model.bin run/train.sert >out 2>err 3>&- &
    for ((i = 0; i < 1000; i++)); do
        [[ $(</proc/$!/stat) != *") T "* ]] || break
        sleep 0.01
    done
    "$@" "run/$file"
    kill -CONT $!
    status=0
    wait $! || status=$?
}

cut() { truncate -s $(($(stat -c %s "$1") / 2)) "$1"; }
empty() { : >"$1"; }
renamed() { cp "$1" "$1.new" && empty "$1.new" && mv "$1.new" "$1"; }
grown() { cat train.sert >>"$1"; }

flipped() { # one bit in the middle of the second record's values
    local at
    at=$(LC_ALL=C grep -abo REC "$1" | sed -n '2s/:.*//p')
    at=$((at + 1000))
    printf '%b' "$(printf '\\x%02x' $(($(od -An -tu1 -j $at -N 1 "$1") ^ 1)))" |
        dd of="$1" bs=1 seek=$at conv=notrunc status=none
}

@test "data that shrinks or changes while it is in use is an error that names file and record" {
    have_faults || return 0
    local n file
    while_stopped pread:1:stop train.sert true
    assert_equal "$status" 0
    cp run/model.bin undisturbed.bin
    for n in 1 5 30; do
        for change in cut empty flipped; do
            while_stopped "pread:$n:stop" train.sert $change
            assert_equal "$change at $n: $status" "$change at $n: 3"
            grep -qE '^ser-train: run/train.sert: record [1-9]: changed or shrank while it was in use' err || fail "$(cat err)"
        done
    done
    grep -q 'train.sert: record 2:' err || fail "$(cat err)"
    while_stopped pread:30:stop val.sert cut
    assert_equal "$status" 3
    grep -qE '^ser-train: run/val.sert: record [1-5]: changed or shrank' err || fail "$(cat err)"
    # What was opened stays as it was when another file takes its name, or more is added.
    for change in renamed grown; do
        while_stopped pread:5:stop train.sert $change
        assert_equal "$change: $status" "$change: 0"
        same run/model.bin undisturbed.bin
    done
}

@test "data larger than memory trains, from a file and from a pipe" {
    ! grep -q __asan_init "$BUILD/ser-cmp" || {
        echo "# left out: a limit of memory; a sanitizer takes its own" >&3
        return 0
    }
    mkdir -p large/tmp
    cd large || return 1
    local part i
    for part in train val; do
        awk -F'\t' -v p=$part 'NR == 1 || $5 == p' ../m.tsv | (cd .. && ser-mfcc -q -m -) >$part.sert
    done
    for i in $(seq 250); do cat train.sert; done >many.sert
    printf 'reshape 174x40\nmean\ndense classes\n' >mean.net
    [ "$(stat -c %s many.sert)" -gt 60000000 ]
    (ulimit -d 20000 && ser-train -q -j 1 --kernels plain --net mean.net --val val.sert --epochs 1 -o file.bin many.sert)
    cat many.sert | (ulimit -d 20000 && TMPDIR=$PWD/tmp exec ser-train -q -j 1 --kernels plain --net mean.net --val val.sert \
        --epochs 1 -o pipe.bin)
    same file.bin pipe.bin
    [ -z "$(ls -A tmp)" ] || fail "left: $(ls -A tmp)"
    # The limit is one: a batch that holds it all does not fit.
    run --separate-stderr bash -c 'ulimit -d 20000; exec ser-train -q -j 1 --kernels plain --net mean.net --val val.sert \
        --epochs 1 --batch 2250 -o batch.bin many.sert'
    assert_equal "$status" 4
    [ ! -e batch.bin ]
}

@test "a loss that is no number names epoch and batch; model, log and checkpoint are those of the last good epoch" {
    { printf 'reshape 12x40\nmean\n'
        for _ in $(seq 24); do printf 'dense 32\n'; done
        printf 'dense classes\n'; } >deep.net
    rm -rf run good
    mkdir run good
    deep() {
        ser-train -q --net deep.net --val val.sert --kernels plain --batch 3 --patience 0 --lr 2 --warmup 30 -o "$1/model.bin" \
            --log "$1/log.tsv" --checkpoint "$1/state.bin" "${@:2}" train.sert 2>err
    }
    run -3 deep run
    grep -qE 'ser-train: the .* is not a finite number in epoch ([2-9]|[1-9][0-9]), batch [1-3] of 3: .*; the best model so far was written' err ||
        fail "$(cat err)"
    cp err first
    local epochs
    epochs=$(epochs_of run/state.bin)
    [ "$epochs" -ge 1 ]
    deep good --epochs "$epochs"
    same run/log.tsv good/log.tsv
    same <(ser-tensor text run/model.bin) <(ser-tensor text good/model.bin)
    # Resuming comes to the same end.
    run -3 deep run --resume
    same <(grep -v resumed err) first
}

@test "--clip-norm: 0 and a norm never reached change nothing" {
    mkdir -p plain clipped
    train plain --clip-norm 0
    train clipped --clip-norm 1e9
    same <(ser-tensor text plain/model.bin) <(ser-tensor text clipped/model.bin)
    same plain/log.tsv clipped/log.tsv
    train clipped --clip-norm 0.001
    run cmp -s plain/log.tsv clipped/log.tsv
    assert_failure 1
    fails 2 "clip-norm: '-1' is not a number from 0" train clipped --clip-norm -1
}
