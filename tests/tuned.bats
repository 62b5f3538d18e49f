#!/usr/bin/env bats
# What pipelines/tune.mk and ser-report make of a search: the vote of its best, normalised features, a page; and what is refused
# before anything is trained, or ends a search.
# bats file_tags=slow
load helper
load browser
load fault/fault

# A nested search of tones: two emotions, three speakers. ser-tensor notes what it is to normalise.
setup_file() {
    export MADE=$BATS_FILE_TMPDIR/made
    mkdir "$MADE"
    cd "$MADE" || return 1
    local speaker emotion take
    for speaker in 01 02 03; do
        mkdir -p "speech/Actor_$speaker"
        for emotion in 03 04; do
            for take in 01 02; do
                sox -R -n -r 22050 -b 16 "speech/Actor_$speaker/03-01-$emotion-01-01-$take-$speaker.wav" synth 0.4 sine \
                    "$((10#$emotion * 100 + 10#$speaker + 10 * 10#$take))"
            done
        done
    done
    : >speech/.generated
    ser-manifest -q --corpus ravdess --no-quarantine speech >m.tsv
    printf 'speaker\tfold\nravdess_01\t1\nravdess_02\t2\nravdess_03\t3\n' >folds.tsv
    printf '%s\n' 'conv {filters} 3x3 relu' 'maxpool 8x2' 'reshape 12x{filters}' mean 'dense classes' >tiny.net
    printf '%s\n' 'conv {filters} 3x3 relu' 'reshape 12x{filters}' mean 'dense classes' >wide.net
    printf '%s\n' 'NET choice tiny.net' 'net.filters choice 2 3' 'lr log 1e-3 1e-1' >t.space
    mkdir bin
    ln -s "$BUILD"/ser-* bin
    rm bin/ser-tensor
    {
        echo '#!/usr/bin/env bash'
        # shellcheck disable=SC2016
        echo 'if [ "$1" = normalize ]; then echo "$*" >>"$NORMALIZED"; fi'
        echo "exec $BUILD/ser-tensor \"\$@\""
    } >bin/ser-tensor
    chmod +x bin/ser-tensor
    : >none
    NORMALIZED=$PWD/none nested whole VOTE=2 NORMALIZE='--by speaker' -j2 >printed
    ser-report whole >page.html
}

setup() {
    cp -a "$MADE" "$BATS_TEST_TMPDIR/run"
    cd "$BATS_TEST_TMPDIR/run" || return 1
    export NORMALIZED=$PWD/normalized
    : >normalized
}

# search ARGUMENT...; nested OUT ARGUMENT...
search() {
    make -f "$ROOT/pipelines/tune.mk" BUILD="$PWD/bin" SPACE=t.space ROWS=m.tsv TRIALS=3 EPOCHS=3 FEATURES='--frames 8' \
        TRAIN='--batch 2' "$@"
}

nested() {
    search FOLDS=folds.tsv "OUT=$1" "${@:2}"
}

# told MESSAGE ARGUMENT...: the search fails, with this, and no trial has a result
told() {
    run nested told "${@:2}"
    assert_failure 2
    assert_output --partial "$1"
    [ -z "$(find told -name 'result.*.tsv')" ] || fail "a trial has a result"
}

@test "the best vote: each trained and tested by itself, then ser-vote; a search with fewer has fewer" {
    for fold in 1 2 3; do
        ser-vote whole/fold$fold/final/predictions.tsv whole/fold$fold/vote/2/predictions.tsv | same - whole/fold$fold/vote/predictions.tsv
        second=$(sed -n 3p whole/fold$fold/ranking.tsv | cut -f 1)
        assert_equal "$(head -n 1 whole/fold$fold/vote/2.options)" "# trial $second of the search in whole/fold$fold"
        lr=$(ser-tune draw --trial "$second" t.space | sed -n 2p | cut -f 6)
        ser-tensor ls -H whole/fold$fold/vote/2/model.bin >header
        assert_equal "$(sed -n 's/^train.lr=//p' header | xargs printf '%.6g')" "$lr"
    done
    # Both figures, of each fold and over all.
    recall=$(ser-eval --tsv whole/fold2/vote/predictions.tsv | awk -F'\t' '$1 == "pooled" && $2 == "ua" {printf "%.4f", $5}')
    assert_equal "$(awk '$1 == "fold2" {print $8}' printed)" "$recall"
    grep -qE '^vote: the 2 best of each search together have [0-9.]+ (more|less) unweighted recall than its winner' printed
    # Four are wanted of three, of which some fail.
    printf '%s\n' 'NET choice tiny.net wide.net' 'net.filters choice 2 3' 'lr log 1e-3 1e-1' >t.space
    nested few VOTE=4 OUTER=1 >/dev/null 2>&1
    good=$(awk -F'\t' 'NR > 1 && $6 != "-"' few/fold1/ranking.tsv | wc -l)
    [ "$good" -lt 3 ]
    assert_equal "$(find few/fold1 -name model.bin | wc -l)" "$good"
    assert_equal "$(find few/fold1/vote/[234] -name predictions.tsv -size +0 | wc -l)" $((good - 1))
    run search NESTED=0 VOTE=2 OUT=flat
    assert_output --partial 'VOTE=2: with NESTED=0 nothing is tested'
    told 'VOTE=two: expected how many trials vote' VOTE=two
}

@test "NORMALIZE: features of the search, the test and a study with the winner; certificates and pages say so" {
    # Of three folds' features, and of training and test of two models each.
    assert_equal "$(sort "$MADE/none" | uniq -c | xargs)" '15 normalize --by speaker'
    assert_equal "$(grep normalize whole/fold1/winner.options)" 'normalize --by speaker'
    for stream in features/1/1.sert fold1/final/train.sert fold1/final/test.sert fold1/final/model.bin fold1/vote/2/model.bin; do
        ser-tensor ls -H "whole/$stream" | grep -qx feat.norm=speaker || fail "$stream"
    done
    grep -q "^NET=whole/fold1/winner FEATURES='--frames 8' NORMALIZE='--by speaker' VAL=none\$" printed
    assert_equal "$(grep normalize whole/fold1/certificate.tsv)" "$(printf '%s\tnormalize\t--by speaker\n' train test)"
    grep -q 'Features of the part test are normalized, by itself: <code>--by speaker</code>' page.html
    run nested whole TRIALS=3 VOTE=2
    assert_failure
    assert_output --partial 'whole holds another search'
    study() {
        make -f "$ROOT/pipelines/ravdess.mk" BUILD="$PWD/bin" OUT=study RAVDESS=speech CHECK= MANIFEST=--no-quarantine \
            PROTOCOL=folds5 FOLDS=folds.tsv FOLD=2 NET=whole/fold2/winner TRAIN=-q "$@"
    }
    study >printed
    # The part val is empty. The model is that of the search.
    assert_equal "$(sort normalized | uniq -c | xargs)" '2 normalize --by speaker'
    same study/split/fold2/seed.1/model.bin whole/fold2/final/model.bin
    grep -qxF 'normalized (each part by itself): --by speaker' printed
    assert_equal "$(grep -c normalize study/split/fold2/certificate.tsv)" 3
    ser-report study | grep -q 'Features of the part train are normalized, by itself: <code>--by speaker</code>'
    run study -n
    assert_output --partial 'Nothing to be done'
    # The command line wins.
    : >normalized
    study NORMALIZE= >printed
    assert_equal "$(cat normalized)" ''
    run grep -c normalize printed study/split/fold2/certificate.tsv
    assert_output $'printed:0\nstudy/split/fold2/certificate.tsv:0'
}

@test "ENCODER: a search on embeddings, of layers that it draws; a study with its winner makes the same model" {
    "$ROOT/tests/make-encoder" tiny
    printf '%s\n' standardize 'dense classes l2={l2}' >vector.net
    printf '%s\n' 'NET choice vector.net' 'net.l2 log 1e-3 1e-1' 'features.layer choice 0 2' >t.space
    embed() {
        search ENCODER=./tiny FEATURES='--pool stats' FOLDS=folds.tsv OUT=embedded OUTER=2 "$@"
    }
    # What ser-embed would refuse ends the search before it begins.
    sed 's/choice 0 2/choice 0 7/' t.space >deep.space
    fails 2 "check-values: deep.space: line 3: features.layer: '7': this encoder has the layers 0 to 2" embed SPACE=deep.space OUT=deep
    embed AUGMENT='--speed 0.9:1.1' >printed
    run ser-tensor ls -H embedded/fold2/final/model.bin
    assert_line feat.type=embedding
    assert_line --regexp '^feat.layer=[02]$'
    grep -qx 'encoder ./tiny' embedded/fold2/winner.options
    make -f "$ROOT/pipelines/ravdess.mk" BUILD="$PWD/bin" OUT=study RAVDESS=speech CHECK= MANIFEST=--no-quarantine \
        PROTOCOL=folds5 FOLDS=folds.tsv FOLD=2 NET=embedded/fold2/winner TRAIN=-q >printed
    same study/split/fold2/seed.1/model.bin embedded/fold2/final/model.bin
    same study/split/fold2/seed.1/predictions.tsv embedded/fold2/final/predictions.tsv
    fails 2 'embedded holds another search' search FEATURES='--pool stats' FOLDS=folds.tsv OUT=embedded OUTER=2 AUGMENT='--speed 0.9:1.1'
}

@test "a winner that cannot be trained to a fixed end is refused by line before anything is trained" {
    printf '%s\n' 'NET choice tiny.net' 'net.filters choice 2 3' '# three' 'patience int 1 3' >t.space
    told 't.space: line 4: patience needs a validation part'
    printf '%s\n' 'NET choice tiny.net' 'schedule choice step plateau when NET=tiny.net' >t.space
    told 't.space: line 2: schedule plateau needs a validation part'
    printf '%s\n' 'lr-patience int 1 3 # cuts' >t.space
    told 't.space: line 1: lr-patience needs a validation part'
    told 'TRAIN=--patience 3: the winner is' TRAIN='--patience 3'
    told 'TRAIN=--schedule=plateau: the winner is' TRAIN=--schedule=plateau
    # Nor does a program take each value.
    printf '%s\n' '# rates' 'lr log 1e-3 100' >t.space
    told "t.space: line 2: lr: '100' is not a number from 1e-12 to 10"
    printf '%s\n' 'average choice none ema' >t.space
    told "t.space: line 1: average: 'ema' is not ema=X"
    printf '%s\n' 'batch choice 8 16' 'schedule choice step slow when batch=8 # which' >t.space
    told "t.space: line 2: schedule: 'slow' is none of"
    printf 'features.coefs int 0 40' >t.space
    told "t.space: line 1: features.coefs: '0' is not a whole number from 1"
    # What was refused leaves the folder free for the space that is meant.
    printf '%s\n' 'NET choice tiny.net' 'net.filters choice 2' 'schedule choice step cosine' >t.space
    nested told OUTER=1 TRIALS=1 search >/dev/null
    [ -s told/fold1/winner.options ]
}

@test "data that cannot be read ends the search with its own words, and is no trial's fault" {
    awk -F'\t' -v OFS='\t' 'NR == 1 {while ($++s != "speaker"); while ($++e != "emotion")}
        $s == "ravdess_02" {$e = "odd"} 1' m.tsv >odd.tsv
    told "the emotion 'odd' does not occur in the training data" ROWS=odd.tsv
    sed 's,/03-01-04-01-01-02-03,/gone,' m.tsv >gone.tsv
    told 'gone.wav: cannot open: No such file' ROWS=gone.tsv
    cut -f 1-5 m.tsv >short.tsv
    told "short.tsv: no column 'emotion'" ROWS=short.tsv
    # A state that is damaged.
    rm -rf told && cp -a whole told
    sed -i 's,whole,told,' told/search.txt
    rm told/fold1/*/result.*.tsv told/fold1/*/rung.* told/fold[23]/*/result.*.tsv
    echo damaged >told/fold1/1/1.state
    told 'ser-train: told/fold1/1/1.state: ' VOTE=2 NORMALIZE='--by speaker'
    # A network that was changed: its results are not those of the new one.
    sed -i 's/maxpool 8x2/maxpool 4x2/' tiny.net
    run nested whole VOTE=2 NORMALIZE='--by speaker'
    assert_failure
    assert_output --partial 'whole holds another search'
}

@test "hyperband: brackets that begin a rung higher; the same bytes for any jobs" {
    # 3 trials from one epoch on, and 2 that begin with three.
    nested one METHOD=hyperband TRIALS=5 OUTER=1 search >/dev/null
    assert_equal "$(find one/fold1/[123] -name result.0.tsv | wc -l)" 3
    assert_equal "$(find one/fold1/[123] -name result.1.tsv | wc -l)" 1
    assert_equal "$(cd one/fold1 && find 4 5 -name 'result.*.tsv' | sort | xargs)" '4/result.1.tsv 5/result.1.tsv'
    assert_equal "$(cut -f 3 one/fold1/4/result.1.tsv)" 3
    assert_equal "$(cut -f 1 one/fold1/4/1.log.tsv | xargs)" 'epoch 1 2 3'
    # The winner is the best of all that have three epochs.
    assert_equal "$(sed -n 2p one/fold1/ranking.tsv | cut -f 1)" \
        "$(cat one/fold1/*/result.1.tsv | sort -t "$(printf '\t')" -k 8,8gr -k 1,1n | head -n 1 | cut -f 1)"
    nested two METHOD=hyperband TRIALS=5 OUTER=1 search -j2 >/dev/null
    for file in one/fold1/*/*.model one/fold1/*/result.*.tsv one/fold1/ranking.tsv one/fold1/search.tsv; do same "$file" "two/${file#one/}"; done
}

@test "killed anywhere, a search comes to the same bytes" {
    have_faults || return 0
    run "$ROOT/tests/fault/kill-search" 1 # more by hand
    assert_success
    echo "# $output" >&3
}

@test "the table of a search: results that count, with what was drawn" {
    for fold in 1 2 3; do
        same <(cut -f 1-5,7-9 whole/fold$fold/search.tsv) whole/fold$fold/results.tsv
        assert_equal "$(sed -n 1p whole/fold$fold/search.tsv | cut -f 6,10-)" "$(printf 'by\tNET\tnet.filters\tlr')"
        while IFS=$'\t' read -r trial drawn; do
            assert_equal "$drawn" "$(ser-tune draw --trial "$trial" t.space | sed -n 2p | cut -f 4-)"
        done < <(cut -f 1,10- whole/fold$fold/search.tsv | sed 1d)
    done
    # The winner would not go on now: its result on the second rung counts no more; the last trial is none.
    awk -F'\t' -v OFS='\t' 'NR == 2 {$2 = 0} 1' whole/fold1/ranking.tsv | sed '$d' >ranking.tsv
    awk -f "$ROOT/pipelines/bin/tsv.awk" -f "$ROOT/pipelines/bin/search-table.awk" -- recall ranking.tsv whole/trials.tsv \
        whole/fold1/results.tsv >table.tsv
    assert_equal "$(sed 1d table.tsv | cut -f 1,2)" "$(sed 1d ranking.tsv | cut -f 1,2 | sort)"
}

@test "OUTER=none: a search by all folds, whose winner is trained on all speakers and tested on none" {
    nested whole VOTE=2 NORMALIZE='--by speaker' OUTER='1 none' >printed
    assert_equal "$(ser-tensor ls -c speaker whole/all/final/train.sert | sed 1d | cut -f 4 | sort -u | xargs)" \
        'ravdess_01 ravdess_02 ravdess_03'
    assert_equal "$(find whole/all/1 -name '*.log.tsv' | wc -l)" 3
    assert_equal "$(awk '$1 == "all" {print $6, $7, $8, $9}' printed)" '- - - -'
    [ -s whole/all/final/model.bin ] && [ ! -e whole/all/final/predictions.tsv ]
    grep -q '^trained on all speakers.*: whole/all/final/model.bin$' printed
    # Alone it leaves the report of the others as it is.
    cp whole/report.txt before
    nested whole VOTE=2 NORMALIZE='--by speaker' OUTER=none >alone
    same before whole/report.txt
    same alone whole/all/report.txt
    run nested whole VOTE=2 NORMALIZE='--by speaker' OUTER=4
    assert_failure
    assert_output --partial 'OUTER=4: the folds that have speakers are 1 2 3'
}

# rows CAPTION: the rows of the page's table, fields by tabs
rows() {
    awk -v caption="<caption>$1" 'index($0, caption) {on = 1} on && /^<tr>/ {print} on && /<\/table>/ {exit}' page.html |
        sed 's,</td><td[^>]*>,\t,g; s/<[^>]*>//g'
}

@test "a page of a search: winners, optimism, importance, trials, options; generated speech is named" {
    perl "$ROOT/tests/well-formed.pl" page.html
    grep -q 'Generated speech: ravdess' page.html
    # A row of each winner is that of the report.
    awk '/^fold[0-9] / {printf "%s\t%s\t%s", $1, $2, $3; for (i = 4; i <= 9; i++) printf "\t%.1f", 100 * $i; print ""}' printed >want
    rows Winners | cut -f 1,3-8,10- | same - want
    optimism=$(awk '/^optimism:/ {for (i = 1; i <= NF; i++) if ($i == "have") printf "%.1f", 100 * $(i + 1)}' printed)
    grep -qF "<strong>Optimism: $optimism points.</strong>" page.html || fail "$optimism: $(grep Optimism: page.html)"
    grep -q 'There are fewer than five test speakers, too few for an interval' page.html
    assert_equal "$(rows Importance | cut -f 1)" lr
    assert_equal "$(rows 'Trials, the best first' | cut -f 1 | xargs)" "$(sed 1d whole/fold1/ranking.tsv | cut -f 1 | xargs)"
    assert_equal "$(grep -c '<h3>Options of the winner' page.html)" 3
    grep -q 'normalize --by speaker' page.html
    # Pictures: three searches, and of winners and votes: confusion, reliability, speakers, training.
    assert_equal "$(grep -c 'aria-label="Search: ' page.html)" 3
    # One group of all winners, whatever their networks are.
    assert_equal "$(rows 'All models of each name together' | cut -f 1,6)" "$(printf 'winner\t3\nvote\t3')"
    # Nothing tested: the page says what its figures are worth.
    ser-split --folds folds.tsv --fold 1 m.tsv >split.tsv
    search NESTED=0 ROWS=split.tsv OUT=flat >/dev/null
    ser-report flat >page.html
    perl "$ROOT/tests/well-formed.pl" page.html
    grep -q '<strong>Nothing here was tested.</strong>' page.html
    assert_equal "$(rows Winners | cut -f 1,2,7)" "$(printf 'split\t3\t–')"
    rm flat/split/search.tsv
    fails 3 "^ser-report: flat: this search has no SEARCH/search.tsv yet" ser-report flat
}

@test "a page of a search, in a browser: nothing is cut off on a telephone or a wide screen, light or dark" {
    have_browser || return 0
    run measure 390
    assert_output --regexp '^width 390 pictures [1-9][0-9]* cut 0 page cut false tables [1-9][0-9]* cut [0-9]+ light as drawn$'
    run measure 1280 --blink-settings=preferredColorScheme=0
    assert_output --regexp '^width 1280 pictures [1-9][0-9]* cut 0 page cut false tables [1-9][0-9]* cut 0 dark inverted$'
}
