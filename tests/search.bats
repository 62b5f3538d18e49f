# pipelines/tune.mk: a search that goes on where it was killed, gives the same results in any order, and never reads what
# it is tested on.
# bats file_tags=slow
load helper
load fault/fault

setup_file() {
    export MADE=$BATS_FILE_TMPDIR/made
    mkdir "$MADE"
    cd "$MADE" || return 1
    "$ROOT/pipelines/bin/generate-speech" -s 6 -u 8 speech >/dev/null
    ser-manifest -q --corpus ravdess --no-quarantine speech >m.tsv
    printf 'speaker\tfold\n' >folds.tsv
    printf 'ravdess_%02d\t%d\n' 1 1 2 1 3 2 4 2 5 3 6 3 >>folds.tsv
    printf '%s\n' 'conv {filters} 3x3 relu # a template' 'maxpool 8x8' 'reshape 84x{filters}' mean 'dense classes' >tiny.net
    printf '%s\n' 'NET choice tiny.net' 'net.filters choice 2 3' 'lr log 1e-3 1e-1' 'batch choice 4 8' >t.space
    nested whole TRIALS=6 -j2 >printed
}

setup() {
    cp -a "$MADE" "$BATS_TEST_TMPDIR/run"
    cd "$BATS_TEST_TMPDIR/run" || return 1
}

# search ARGUMENT...; nested OUT ARGUMENT...
search() {
    make -f "$ROOT/pipelines/tune.mk" BUILD="$BUILD" SPACE=t.space ROWS=m.tsv EPOCHS=9 "$@"
}

nested() {
    search FOLDS=folds.tsv "OUT=$1" "${@:2}"
}

# results OUT: what a search has come to, without the time that it took
results() {
    (cd "$1" && find . -type f \( -name 'result.*' -o -name '*.model' -o -name '*.log.tsv' -o -name 'winner.*' -o \
        -name ranking.tsv -o -path '*/final/*' \) | sort | xargs sha256sum | sed "s|$1|OUT|")
}

same_results() {
    # A winner's options begin with the folder.
    sed -i "1s|search in [^/]*/|search in OUT/|" "$1"/*/winner.options "$2"/*/winner.options
    assert_equal "$(results "$1")" "$(results "$2")"
}

@test "a nested search: winners by inner folds, each tested once on speakers that it has not seen" {
    for fold in 1 2 3; do
        # Of six trials two go on, then one.
        assert_equal "$(find whole/fold$fold -name 'result.0.tsv' | wc -l)" 6
        assert_equal "$(find whole/fold$fold -name 'result.1.tsv' | wc -l)" 2
        assert_equal "$(find whole/fold$fold -name 'result.2.tsv' | wc -l)" 1
        winner=$(sed -n 2p whole/fold$fold/ranking.tsv | cut -f 1)
        [ -e whole/fold$fold/"$winner"/result.2.tsv ]
        # A result is the mean over the inner folds, at the last epoch of its rung.
        for result in whole/fold$fold/*/result.*.tsv; do
            assert_equal "$(cut -f 6- "$result")" "$(awk -F'\t' -v epochs="$(cut -f 3 "$result")" '
                $1 == epochs {l += $5; a += $6; r += $10; n++} END {printf "%.9g\t%.9g\t%.9g", l / n, a / n, r / n}' \
                "${result%/*}"/[12].log.tsv)"
        done
        # Its options are those that were drawn.
        lr=$(ser-tune draw --trials 6 --trial "$winner" t.space | sed -n 2p | cut -f 6)
        grep -q -- "^train --schedule cosine .*--lr=$lr .*--epochs 9\$" whole/fold$fold/winner.options
        run grep '[{#]' whole/fold$fold/winner.net
        assert_failure 1
        ser-tensor ls -H whole/fold$fold/final/model.bin | grep -qx train.epochs=9
        tested=$(cut -f 7 whole/fold$fold/../fold$fold/final/predictions.tsv | sed 1d | wc -l)
        assert_equal "$tested" 16
        run comm -12 <(ser-tensor ls -c speaker whole/fold$fold/final/train.sert | sed 1d | cut -f 4 | sort -u) \
            <(ser-tensor ls -c speaker whole/fold$fold/final/test.sert | sed 1d | cut -f 4 | sort -u)
        assert_output ''
    done
    grep -q '^fold2 .*[0-9] ' whole/report.txt
    grep -q '^optimism: ' whole/report.txt
    grep -q '^unweighted recall .*95 %' whole/report.txt
    grep -qE 'fold[123]: trial 6, rung 0: val_recall [0-9.]+; [0-9]+ of about 9 done, best is trial [0-9] .* min of training left' printed
    run nested whole TRIALS=6 -n search
    assert_output "make: Nothing to be done for 'search'."
}

@test "the bytes do not depend on jobs or threads; a trial that climbed has those of one go" {
    nested one TRIALS=6 THREADS=2 >/dev/null
    same_results whole one
    winner=$(sed -n 2p whole/fold1/ranking.tsv | cut -f 1)
    read -r -a drawn < <(sed -n "s/^$winner\\.train = //p" whole/trials.mk)
    # The search of fold 1 validates fold 2 first, and trains on fold 3.
    ser-train -q --net whole/fold1/"$winner"/net --val whole/features/1/2.sert --epochs 9 --schedule cosine --keep last \
        --patience 0 "${drawn[@]}" -o go.bin --log go.tsv whole/features/1/3.sert
    same go.bin whole/fold1/"$winner"/1.model
    same go.tsv whole/fold1/"$winner"/1.log.tsv
}

@test "NET=WINNER implies its options: the same model in a study; the command line wins" {
    study() {
        make -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=study RAVDESS=speech CHECK= MANIFEST=--no-quarantine \
            PROTOCOL=folds5 FOLDS=folds.tsv FOLD=2 NET=whole/fold2/winner TRAIN=-q "$@"
    }
    study >/dev/null
    same study/split/fold2/seed.1/model.bin whole/fold2/final/model.bin
    same study/split/fold2/seed.1/predictions.tsv whole/fold2/final/predictions.tsv
    run study -n
    assert_output --partial 'Nothing to be done'
    study EPOCHS=2 LR=0.5 >/dev/null
    run ser-tensor ls -H study/split/fold2/seed.1/model.bin
    assert_line train.epochs=2
    assert_line train.lr=0.5
    assert_line train.keep=last
    # What stands beside a network may be of features, and any step's line may be missing.
    printf 'features --coefs 20\ntrain --epochs 1 --patience 0\n' >some.options
    printf '%s\n' 'reshape 174x20' mean 'dense classes' >some.net
    study NET=some >/dev/null
    run ser-tensor ls -H study/split/fold2/seed.1/model.bin
    assert_line feat.coefs=20
    assert_line train.epochs=1
    refute_line train.keep=last
    assert_line --regexp '^train.val='
}

@test "killed, it goes on, and comes to the same" {
    have_faults || return 0
    for point in 1 3 6; do
        rm -rf killed
        run inject "rename:$point:kill" nested killed TRIALS=6
        assert_failure
        nested killed TRIALS=6 -j3 >/dev/null
        same_results whole killed
    done
}

@test "more trials are added to those that there are" {
    cp -a whole more
    find more -name 'result.0.tsv' | sort | xargs sha256sum >before
    nested more TRIALS=9 -j2 >log 2>&1
    sha256sum -c --quiet before
    nested nine TRIALS=9 -j2 >/dev/null
    # Results of trials that would not have gone on are left, and count for nothing.
    for fold in 1 2 3; do
        same more/fold$fold/ranking.tsv nine/fold$fold/ranking.tsv
        same more/fold$fold/final/predictions.tsv nine/fold$fold/final/predictions.tsv
    done
    nested asha METHOD=asha TRIALS=6 search -j2 >/dev/null
    cp -a asha some
    nested asha METHOD=asha TRIALS=9 search -j2 >/dev/null
    (cd some && find . -name 'result.*' | sort | xargs sha256sum) >before
    (cd asha && sha256sum -c --quiet ../before)
}

@test "tpe: each search draws from its own results; the same for any jobs, killed, or with trials added" {
    printf '%s\n' 'features.type choice mfcc logmel' 'features.coefs choice 128' >>t.space
    printf '%s\n' 'maxpool 16x8' 'reshape 168x1' mean 'dense classes' >tiny.net
    sed -i /filters/d t.space
    tpe() { nested "$1" METHOD=tpe GENERATION=4 EPOCHS=1 OUTER='1 2' "${@:2}"; }
    run tpe one TRIALS=10 DRY=1
    assert_line --partial '2 searches of 2 inner splits: 42 epochs'
    [ ! -e one/fold1/1/result.0.tsv ]
    tpe one TRIALS=10 -j2 >/dev/null
    for fold in 1 2; do
        assert_equal "$(find one/fold$fold -name 'result.0.tsv' | wc -l)" 10
        same <(head -n 9 one/fold$fold/trials.tsv) <(ser-tune draw --trials 8 t.space)
        ser-tune draw --method tpe --generation 4 --epochs 1 --trials 10 t.space one/fold$fold/results.tsv |
            same - one/fold$fold/trials.tsv
        winner=$(sed -n 2p one/fold$fold/ranking.tsv | cut -f 1)
        grep -q -- "--type=$(awk -v t="$winner" '$1 == t {print $7}' one/fold$fold/trials.tsv) " one/fold$fold/winner.options
    done
    run tpe one TRIALS=10 -n search
    assert_output "make: Nothing to be done for 'search'."
    fails 2 'one holds another search: generation is 4 there, 5 now: give another OUT' tpe one TRIALS=10 GENERATION=5
    # In two parts, of which the second begins before the first generation is known.
    tpe two TRIALS=5 -j3 >/dev/null
    if have_faults; then
        run inject rename:9:kill tpe two TRIALS=10
        assert_failure
    fi
    tpe two TRIALS=10 -j3 >/dev/null
    same_results one two
    same one/fold1/trials.tsv two/fold1/trials.tsv
}

@test "another winner, since there are more trials, is trained anew" {
    sed -i 's/--lr=[^ ]*/--lr=0.25/' whole/fold1/winner.options
    nested whole TRIALS=6 >/dev/null
    run ser-tensor ls -H whole/fold1/final/model.bin
    assert_line train.lr=0.25
}

@test "NESTED=0: what is tested need not even be there" {
    ser-split --folds folds.tsv --fold 1 m.tsv >split.tsv
    rm -r speech/Actor_01 speech/Actor_02
    search NESTED=0 ROWS=split.tsv OUT=flat TRIALS=3 -j2 >printed
    grep -q 'The winner was chosen by these figures' printed
    [ ! -e flat/data/test.tsv ]
    run grep -c ravdess_0[12] flat/data/train.tsv flat/data/val.tsv
    assert_output "$(printf 'flat/data/train.tsv:0\nflat/data/val.tsv:0')"
    # Nor what an outer fold leaves out, for its search.
    nested outer OUTER=1 TRIALS=2 search >/dev/null
    [ -e outer/fold1/winner.options ]
    [ ! -e outer/data/1.tsv ]
}

@test "DRY=1: epochs and minutes, and nothing searched" {
    run nested dry TRIALS=6 DRY=1
    assert_success
    # In each of 3: 16 epochs of 2 inner splits, and 9 for the winner.
    assert_line --regexp '^3 searches of 2 inner splits: 123 epochs, about [0-9.]+ minutes'
    [ -z "$(find dry -name 'result.*')" ]
}

@test "another search in one folder, and what is no search, are told" {
    told() { # told MESSAGE ARGUMENT...
        run nested whole TRIALS=6 "${@:2}"
        assert_failure 2
        assert_output --partial "$1"
    }
    "$ROOT/pipelines/bin/claim-folder" whole $$
    told 'another make is at work in it'
    rm whole/.make
    for other in SEED=2 ETA=2 EPOCHS=27 METHOD=asha BY=loss TRAIN=--clip-norm=1; do
        told 'whole holds another search' $other
    done
    told "whole holds another search: by is recall there, loss now; train is nothing there, --clip-norm=1 now: give" BY=loss TRAIN=--clip-norm=1
    echo 'warmup int 0 1' >>t.space
    told 'whole holds another search'
    told 'SPACE=none: no such file' SPACE=none
    told 'ROWS=none: no such manifest' ROWS=none
    told 'FOLDS=none: no such table' FOLDS=none
    told 'OUTER=7: the folds that have speakers are 1 2 3' OUTER=7 OUT=new
    echo 'net.units int 1 2' >>t.space
    told 'tiny.net: there is no {units} in it' OUT=units
    printf 'NET choice tiny.net\nlr log 1e-3 1e-1\n' >t.space
    told '{filters} has no value: the space lacks net.filters' OUT=newer
    printf 'lr log 0 1\n' >t.space
    told 't.space: line 1: lr: a logarithm from 0' OUT=newest
}

@test "a trial that fails is last, and its reason is told; a result that is cut is told" {
    cp -a whole cut
    sed -i 's|whole|cut|' cut/search.txt
    printf '1\t0\t1' >cut/fold1/1/result.0.tsv
    rm cut/fold1/*/rung.1
    run nested cut TRIALS=6 search
    assert_failure
    assert_output --partial 'row'
    refute_output --partial 'holds another search'
    printf '%s\n' 'NET choice tiny.net wide.net' 'net.filters choice 2 3 when NET=tiny.net' 'lr log 1e-3 1e-1' >t.space
    printf '%s\n' 'conv 2 3x3 relu' 'reshape 84x2' mean 'dense classes' >wide.net
    run nested some TRIALS=6 OUTER=1 search
    assert_success
    assert_output --partial 'failed: ser-train: some/fold1/'
    failing=$(awk -F'\t' 'NR > 1 && $4 == "wide.net" {print $1}' some/trials.tsv | sort -n | xargs)
    assert_equal "$(awk -F'\t' 'NR > 1 && $6 == "-" {print $1}' some/fold1/ranking.tsv | xargs)" "$failing"
    [ -n "$failing" ]
}

@test "the spaces that are shipped are spaces, for networks that there are" {
    for space in "$ROOT"/pipelines/spaces/*.space; do
        ser-tune draw --trials 30 "$space" >trials.tsv
        awk -f "$ROOT/pipelines/bin/tsv.awk" -f "$ROOT/pipelines/bin/trials.awk" -- trials.tsv >trials.mk
        for trial in $(sed -n 's/^TRIAL = //p' trials.mk); do
            net=$(sed -n "s/^$trial\\.net = //p" trials.mk)
            file=$ROOT/pipelines/nets/$net.net
            [ -e "$file" ] || file=$ROOT/pipelines/spaces/$net.net
            read -r -a fill < <(sed -n "s/^$trial\\.fill =//p" trials.mk)
            "$ROOT/pipelines/bin/fill-network" "$file" "${fill[@]}" >filled.net
            case $net in unseen) input=64x140 ;; linear-probe) input=1024 ;; *) input=40x174 ;; esac
            ser-train --summary --net filled.net --input "$input" --classes 8 >/dev/null
        done
    done
}
