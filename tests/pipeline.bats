# The pipelines: what is rebuilt when, and what is not.
# bats file_tags=slow
load helper
bats_require_minimum_version 1.5.0

setup_file() {
    export RUN=$BATS_FILE_TMPDIR/finished
    mkdir "$RUN"
    cd "$RUN" || return 1
    "$ROOT/pipelines/bin/generate-speech" -s 4 -u 8 'a "corpus" of it'\''s own'
    printf 'speaker\tpart\nravdess_01\ttrain\nravdess_02\ttrain\nravdess_03\tval\nravdess_04\ttest\n' >parts.tsv
    cat >tiny.net <<'END'
conv 2 3x3 relu
maxpool 8x8
reshape 84x2
lstm 4
mean
dense classes
END
    cp "$ROOT/README.md" . 2>/dev/null || :
    pipeline -j2
}

# A finished run of its own for each test: times are kept, so nothing is to be done in it.
setup() {
    cp -a "$RUN" "$BATS_TEST_TMPDIR/run"
    cd "$BATS_TEST_TMPDIR/run" || return 1
}

# pipeline ARGUMENT...: the RAVDESS pipeline on the small corpus
pipeline() {
    make -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=out RAVDESS='a "corpus" of it'\''s own' \
        PARTS=parts.tsv NET=tiny.net EPOCHS=2 BATCH=8 THREADS=1 "$@"
}

# made ARGUMENT...: what a run with these arguments makes anew, by its place under out, sorted; without
# the empty files of speakers who are not in a part
made() {
    state >before
    pipeline "$@" >log 2>&1 || fail "$(cat log)"
    state | comm -13 before - | sed 's/ .*//'
}

state() {
    find out -type f -size +0 ! -name times.tsv -printf '%P %T@\n' | sort
}

@test "a finished run has nothing to be done" {
    run pipeline -n
    assert_success
    assert_output "make: Nothing to be done for 'all'."
}

@test "again, the same: any pipeline has a rerun, and clean takes it along" {
    run pipeline -s rerun
    assert_success
    assert_line --regexp '^the same: [0-9]+ streams, 1 models?, 1 logs?, [0-9]+ tables$'
    [ -e out.rerun/split/notebook/seed.1/model.bin ]
    run pipeline -n
    assert_output "make: Nothing to be done for 'all'."
    pipeline -s clean
    [ ! -e out ] && [ ! -e out.rerun ]
}

@test "a touched README, header or manual rebuilds nothing" {
    run pipeline -n -W "$ROOT/README.md" -W "$ROOT/lib/core/ser-tensor.5" -W README.md
    assert_success
    assert_output "make: Nothing to be done for 'all'."
}

@test "a changed option of training rebuilds the model and what comes of it" {
    run made EPOCHS=3
    assert_success
    assert_output "$(printf '%s\n' report.txt scores.tsv scores.txt split/notebook/seed.1/log.tsv \
        split/notebook/seed.1/model.bin split/notebook/seed.1/options split/notebook/seed.1/predictions.tsv)"
    run pipeline -n EPOCHS=3
    assert_output "make: Nothing to be done for 'all'."
}

@test "a changed network rebuilds the model" {
    sed -i 's/lstm 4/lstm 5/' tiny.net
    run made
    assert_success
    assert_line split/notebook/seed.1/model.bin
    refute_line --partial .sert
}

@test "a changed option of the features rebuilds them, not the split" {
    run made FEATURES='--hop 600'
    assert_success
    assert_output "$(printf '%s\n' report.txt scores.tsv scores.txt split/notebook/options/features \
        split/notebook/seed.1/log.tsv split/notebook/seed.1/model.bin split/notebook/seed.1/predictions.tsv \
        split/notebook/speakers/ravdess_{01.train,02.train,03.val,04.test}.sert \
        split/notebook/{test,train,val}.sert | sort)"
}

@test "augmentation adds to the training part and leaves the others as they are" {
    run made AUGMENT='--noise 0.01 --speed 0.9:1.1'
    assert_success
    assert_output "$(printf '%s\n' report.txt scores.tsv scores.txt split/notebook/options/augment \
        split/notebook/seed.1/log.tsv split/notebook/seed.1/model.bin split/notebook/seed.1/predictions.tsv \
        split/notebook/speakers/ravdess_{01,02}.train.sert split/notebook/train.sert | sort)"
    assert_equal "$(ser-tensor ls out/split/notebook/train.sert | grep -c ravdess)" 48
}

@test "a recording that was only touched costs a new manifest, no features" {
    touch a*/Actor_01/03-01-05-01-01-01-01.wav
    run made
    assert_success
    assert_output "$(printf '%s\n' manifest.tsv manifest/ravdess.tsv split/notebook/certificate.tsv \
        split/notebook/manifest.tsv)"
    run pipeline -n
    assert_output "make: Nothing to be done for 'all'."
}

@test "a recording that went rebuilds the features of its speaker alone" {
    rm a*/Actor_01/03-01-05-01-01-01-01.wav
    run made
    assert_success
    assert_line split/notebook/speakers/ravdess_01.train.sert
    refute_line --partial ravdess_02
    refute_line --partial ravdess_03
    assert_line split/notebook/train.sert
    refute_line split/notebook/val.sert
    assert_line split/notebook/seed.1/model.bin
}

@test "a rebuilt tool rebuilds what it made" {
    mkdir tools
    cp -a "$BUILD"/ser-* tools
    pipeline -n BUILD=tools | grep "Nothing to be done"
    touch tools/ser-score
    run made BUILD=tools
    assert_success
    assert_output "$(printf '%s\n' report.txt scores.tsv scores.txt split/notebook/seed.1/predictions.tsv)"
    touch tools/ser-mfcc
    run made BUILD=tools
    assert_line split/notebook/speakers/ravdess_04.test.sert
    assert_line split/notebook/seed.1/model.bin
    refute_line --partial .tsv.new
    refute_line manifest.tsv
}

@test "more seeds: one more model, a table with mean and deviation" {
    run made SEEDS='1 2'
    assert_success
    assert_line split/notebook/seed.2/model.bin
    refute_line split/notebook/seed.1/model.bin
    run awk '$1 == "notebook" {n++; sum += $5} $1 == "mean" {print n, $2 - sum / 2 < 0.0001 && sum / 2 - $2 < 0.0001}
        $1 == "deviation" {print NF}' out/report.txt
    assert_output "$(printf '%s\n' '2 1' 4)"
}

@test "folds and random splits stand beside the notebook's" {
    printf 'speaker\tfold\nravdess_01\t1\nravdess_02\t1\nravdess_03\t2\nravdess_04\t3\n' >folds.tsv
    run made PROTOCOL=folds5 FOLDS=folds.tsv FOLD='1 3'
    assert_success
    assert_line split/fold1/seed.1/model.bin
    assert_line split/fold3/seed.1/model.bin
    assert_equal "$(cut -f 7 out/split/fold3/seed.1/predictions.tsv | wc -l)" 9
    run made PROTOCOL=random SEED=7
    assert_success
    assert_line split/random7/seed.7/model.bin
    run made
    assert_success
    assert_output "$(printf '%s\n' options/report report.txt scores.tsv scores.txt)"
}

@test "the number of jobs changes no byte" {
    pipeline -j1 OUT=again >/dev/null
    for f in manifest.tsv split/notebook/train.sert split/notebook/seed.1/model.bin \
        split/notebook/seed.1/predictions.tsv; do
        # The paths of recordings are below OUT.
        same <(sed 's,again/corpus,out/corpus,' "again/$f") "out/$f"
    done
}

@test "a tool that fails leaves nothing that is taken for done" {
    mkdir tools
    cp -a "$BUILD"/ser-* tools
    rm tools/ser-mfcc
    printf '%s\n' '#!/bin/bash' 'case $* in *ravdess_02*) echo half >"${@: -1}"; exit 3 ;; esac' \
        "exec '$BUILD/ser-mfcc' \"\$@\"" >tools/ser-mfcc
    chmod +x tools/ser-mfcc
    run pipeline BUILD=tools
    assert_failure
    [ ! -e out/split/notebook/speakers/ravdess_02.train.sert ] || fail "half a stream is left"
    cp -a "$BUILD/ser-mfcc" tools
    pipeline BUILD=tools >/dev/null
    assert_equal "$(ser-tensor ls out/split/notebook/train.sert | grep -c ravdess)" 16
}

@test "a missing corpus is one clear line" {
    run make -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=new RAVDESS='not here'
    assert_failure
    assert_equal "${#lines[@]}" 1
    assert_output --partial "there is no folder 'not here'; ser-fetch ravdess"
    [ ! -e new ] || fail "new was made"
}

@test "a finished study does not need its corpus any more" {
    mv a* gone
    run pipeline -n
    assert_output "make: Nothing to be done for 'all'."
    run pipeline EPOCHS=3
    assert_success
}

@test "a name with a space is refused by its variable, and so are pipelines under one" {
    for name in OUT NET PARTS FOLDS ROWS BUILD; do
        run make -f "$ROOT/pipelines/ravdess.mk" OUT=new BUILD="$BUILD" "$name=a b"
        assert_failure
        assert_output --partial "*** $name=a b: the name must not contain spaces.  Stop."
    done
    mkdir 'with space'
    cp -r "$ROOT/pipelines" "$ROOT/manifests" 'with space'
    for study in "$ROOT"/pipelines/*.mk; do
        study=${study##*/}
        [[ $study != @(rules|base|conditions|kept|live|model|teacher).mk ]] || continue # which others include
        run make -f "$PWD/with space/pipelines/$study"
        assert_failure
        assert_output --partial "with space/pipelines/$study: the path must not contain spaces.  Stop."
    done
    cd 'with space'
    run make -n -f pipelines/ravdess.mk BUILD="$BUILD" OUT=out RAVDESS="$(echo ../a*)"
    assert_success
}

@test "two makes in one folder: the second says so and stops; one that is killed keeps nobody out" {
    "$ROOT/pipelines/bin/claim-folder" out $$
    run pipeline EPOCHS=3
    assert_failure 2
    assert_equal "${#lines[@]}" 1
    assert_output --partial "OUT=out: another make is at work in it; it is process $$: wait for its end"
    run pipeline clean
    assert_failure 2
    run pipeline -n
    assert_output "make: Nothing to be done for 'all'."
    run pipeline OUT=other # is no matter
    assert_success
    # A make inside of that one, and one that comes behind a process that is gone, whose number another may have by then.
    SER_MAKE=$(readlink out/.make) run pipeline
    assert_success
    ln -sfn "$$-1" out/.make
    run pipeline
    assert_success
    bash -c '"$1/pipelines/bin/claim-folder" out $$' - "$ROOT"
    run pipeline
    assert_success
    run "$ROOT/pipelines/bin/claim-folder" out
    assert_failure 2
}

@test "a word that keeps training quiet trains nothing anew" {
    run pipeline -n TRAIN=-q
    assert_output "make: Nothing to be done for 'all'."
    run pipeline -n TRAIN='-q --balance x'
    assert_line --partial -- '--balance x'
}

# refused PIPELINE ARGUMENT... -- MESSAGE: while make parses, before anything is made
refused() {
    run make -f "$ROOT/pipelines/$1.mk" BUILD="$BUILD" OUT=new "${@:2:$#-3}"
    assert_failure 2
    assert_equal "${#lines[@]}" 1
    assert_output --partial "*** ${*: -1}.  Stop."
    [ ! -e new ] || fail "new was made"
}

@test "a network, corpora and seeds that there are not are refused at once" {
    refused ravdess NET=foo -- 'NET=foo: no such file, and no pipelines/nets/foo.net'
    refused ravdess cv NET=foo -- 'NET=foo: no such file, and no pipelines/nets/foo.net'
    refused combined combined.NET=foo -- 'NET=foo: no such file, and no pipelines/nets/foo.net'
    refused ravdess CORPORA=foo -- 'CORPORA=foo: expected one or more of ravdess savee cremad emodb'
    refused combined CORPORA= -- 'CORPORA=: expected one or more of ravdess savee cremad emodb'
    refused ravdess SEEDS= -- 'SEEDS is empty: expected one or more seeds'
    refused ravdess EPOCHS=abc -- 'EPOCHS=abc: expected a whole number'
    refused ravdess PROTOCOL=random SEEDS= -- 'SEEDS is empty: expected one or more seeds'
    run make -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=new NET=foo CORPORA=foo SEEDS= clean
    assert_success
}

@test "tables are stacked by the names of their columns" {
    printf 'id\tpath\na\tb\n' >one.tsv
    printf 'id\tgenerated\tpath\nc\tyes\td\n' >two.tsv
    assert_equal "$(helper stack-tables one.tsv two.tsv)" "$(printf 'id\tpath\tgenerated\na\tb\t-\nc\td\tyes')"
    assert_equal "$(helper stack-tables two.tsv two.tsv)" "$(printf 'id\tgenerated\tpath\nc\tyes\td\nc\tyes\td')"
    assert_equal "$(helper stack-tables one.tsv)" "$(cat one.tsv)"
    : >empty.tsv
    fails 3 'stack-tables: empty.tsv: is empty' helper stack-tables one.tsv empty.tsv
}

@test "helpers of the pipelines that get too little say how they are used" {
    local file name
    for file in "$ROOT"/pipelines/bin/*; do
        name=$(basename "$file" .awk)
        case $file in
        */tsv.awk) continue ;;
        *.awk) fails 2 "^usage: awk -f tsv.awk -f $name.awk -- " helper "$name" ;;
        */generate-speech) fails 2 '^generate-speech: expected exactly one folder' "$file" ;;
        *) fails 2 "^usage: $name " "$file" ;;
        esac
    done
}

@test "clean removes what was made and nothing else" {
    touch out/mine
    pipeline clean
    assert_equal "$(find out -mindepth 1)" out/mine
    rm out/mine
    pipeline clean
    [ ! -e out ] || fail "out is still there"
    [ -e 'a "corpus" of it'\''s own/Actor_01' ] || fail "the corpus is gone"
}
