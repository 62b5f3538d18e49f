#!/usr/bin/env bats
# ser-eval: figures worked out by hand, and tables that are none.
load helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    # Truth a a a b b c; predicted a a b b b a. Hits: a 2 of 3, b 2 of 2, c 0 of 1.
    printf 'id\temotion\tpredicted\n1\ta\ta\n2\ta\ta\n3\ta\tb\n4\tb\tb\n5\tb\tb\n6\tc\ta\n' >p.tsv
}

value() { # value MEASURE CLASS PREDICTED FILE...
    local m=$1 c=$2 p=$3
    shift 3
    ser-eval --tsv "$@" | awk -F'\t' -v m="$m" -v c="$c" -v p="$p" \
        '$1 == "pooled" && $2 == m && $3 == c && $4 == p {printf "%.9f\n", $5}'
}

@test "accuracy, recall, F1 and confusion of a small table" {
    [ "$(value wa - - p.tsv)" = 0.666666667 ]          # 4 / 6
    [ "$(value ua - - p.tsv)" = 0.555555556 ]          # (2/3 + 1 + 0) / 3
    [ "$(value macro_f1 - - p.tsv)" = 0.488888889 ]    # (2/3 + 4/5 + 0) / 3
    [ "$(value weighted_f1 - - p.tsv)" = 0.600000000 ] # (3 * 2/3 + 2 * 4/5 + 0) / 6
    [ "$(value precision b - p.tsv)" = 0.666666667 ]
    [ "$(value recall c - p.tsv)" = 0.000000000 ]
    [ "$(value confusion a b p.tsv)" = 1.000000000 ]
    [ "$(value confusion c a p.tsv)" = 1.000000000 ]
    [ "$(value n - - p.tsv)" = 6.000000000 ]
}

@test "recall is averaged over the classes of the truth, F1 over those seen" {
    printf 'id\temotion\tpredicted\n1\ta\ta\n2\ta\td\n' >p.tsv
    [ "$(value ua - - p.tsv)" = 0.500000000 ]
    [ "$(value macro_f1 - - p.tsv)" = 0.333333333 ] # (2/3 + 0) / 2
}

@test "several files: each, mean and deviation, pooled" {
    printf 'id\temotion\tpredicted\n1\ta\ta\n2\tb\tb\n' >q.tsv
    [ "$(value wa - - p.tsv q.tsv)" = 0.750000000 ] # 6 / 8
    run ser-eval p.tsv q.tsv
    assert_line --partial "mean 0.8333, deviation 0.2357 over 2 files"
    [ "$(ser-eval --tsv p.tsv q.tsv | awk -F'\t' '$1 == "q.tsv" && $2 == "wa" {print $5}')" = 1 ]
}

@test "JSON has the keys and the same figures" {
    ser-eval --json p.tsv >p.json
    for key in wa ua macro_f1 weighted_f1 n classes confusion confusion_rate per_class files over_files; do
        grep -q "\"$key\":" p.json
    done
    grep -q '"confusion":\[\[2,1,0\],\[0,2,0\],\[1,0,0\]\]' p.json
    grep -q '"classes":\["a","b","c"\]' p.json
    printf 'id\temotion\tpredicted\n1\ta"\\b\ta"\\b\n' | ser-eval --json | grep -qF '"a\"\\b"'
}

@test "names are aligned by characters, and none is cut" {
    printf 'id\temotion\tpredicted\tspeaker\n1\t\303\274berrascht\tabcdefgh\303\274\ts\303\244\n2\tabcdefgh\303\274\tabcdefgh\303\274\ts2\n' >p.tsv
    printf '3\thappiness_low\thappiness_high\ta speaker with a very long name\n' >>p.tsv
    ser-eval p.tsv >got
    iconv -f UTF-8 -t UTF-32LE got >/dev/null # no character is torn
    # A byte a character, then every line of a table is as long as its head.
    sed 's/\xc3[\xa4\xbc]/u/g' got >plain
    [ "$(grep -c ' abcdefghu happiness_high  happiness_low     uberrascht$' plain)" = 2 ]
    awk '/^(class|speaker|truth)/ { want = 0; next } !NF { want = 0; next }
        /^ *[^ ].*[0-9]$/ && !/^(acc|una|mac|wei|utt)/ { n++; if (want && length($0) != want) exit 1; want = length($0) }
        END { exit n < 15 }' plain || fail "$(cat got)"
}

@test "the pipelines' tables are aligned by characters, too" {
    printf 'name\tn\n\303\244\303\266\303\274\t7\nabcdef\t12345\n' >t.tsv
    assert_equal "$(helper align-columns t.tsv | sed 's/\xc3./u/g')" "$(printf 'name        n\nuuu         7\nabcdef  12345')"
}

@test "the text shows every class and the confusion" {
    run ser-eval p.tsv
    assert_line --regexp '^accuracy \(WA\) +0\.6667  \(95 %: n/a\)$'
    assert_line --regexp '^b +0\.6667 +1\.0000 +0\.8000 +2$'
    assert_line --regexp '^a +2 +1 +0$'
    assert_line --regexp '^truth +predicted, share of the row$'
    assert_line --regexp '^a +0\.6667 +0\.3333 +0\.0000$'
    assert_line --regexp '^c +1\.0000 +0\.0000 +0\.0000$'
}

@test "utterances of unknown emotion are left out and counted" {
    printf '7\t-\ta\n' >>p.tsv
    run --separate-stderr ser-eval --tsv p.tsv
    assert_success
    [[ $stderr == *"1 utterance of unknown emotion is left out"* ]]
    [ "$(value n - - p.tsv 2>/dev/null)" = 6.000000000 ]
}

@test "tables that are no predictions are refused" {
    fails 3 "<stdin>: empty input" ser-eval </dev/null
    printf 'id\temotion\n1\ta\n' >a.tsv
    fails 3 "a.tsv: no column 'predicted'" ser-eval a.tsv
    printf 'id\temotion\tpredicted\n1\ta\ta\n1\ta\ta\n' >b.tsv
    fails 3 "b.tsv: row 2 \(1\): the id '1' comes twice" ser-eval b.tsv
    printf 'id\temotion\tpredicted\n1\ta\n' >c.tsv
    fails 3 "c.tsv: row 1 .*2 fields, the header has 3" ser-eval c.tsv
    printf 'id\temotion\tpredicted\n1\n' >d.tsv
    fails 3 "d.tsv: row 1 \(1\): 1 field, the header has 3" ser-eval d.tsv
    printf 'id\temotion\tpredicted\n1\t-\ta\n' >d.tsv
    fails 3 "nothing to evaluate" ser-eval d.tsv
    printf 'id\temotion\tpredicted\n1\t\ta\n' >e.tsv
    fails 3 "e.tsv: row 1" ser-eval e.tsv
    fails 4 "none.tsv: cannot open" ser-eval none.tsv
    fails 2 "not both" ser-eval --tsv --json p.tsv
    fails 2 "only one input can be standard input, not 2" ser-eval - -
    fails 2 "only one input can be standard input, not 2" ser-eval --against -
    run bash -c 'ser-eval p.tsv >/dev/full'
    assert_failure 4
    fails 4 "nowhere/x: cannot write" ser-eval p.tsv -o nowhere/x
}

# Twelve speakers, four utterances each; the second system errs where the first does not and beyond.
two_systems() {
    awk -v OFS='\t' 'BEGIN {
        print "id", "emotion", "predicted", "p_a", "p_b", "speaker", "sex" > "x.tsv"
        print "id", "emotion", "predicted", "p_a", "p_b", "speaker", "sex" > "y.tsv"
        for (s = 1; s <= 12; s++) for (i = 0; i < 4; i++) {
            t = i % 2 ? "a" : "b"; u = t == "a" ? "b" : "a"
            wrong_x = (s % 4 == 0 && i == 0); wrong_y = (i == 1 || s > 9)
            px = (wrong_x ? u : t); py = (wrong_y ? u : t)
            print s "." i, t, px, px == "a" ? 0.9 : 0.1, px == "a" ? 0.1 : 0.9, "s" s, s % 2 ? "male" : "female" > "x.tsv"
            print s "." i, t, py, py == "a" ? 0.6 : 0.4, py == "a" ? 0.4 : 0.6, "s" s, s % 2 ? "male" : "female" > "y.tsv"
        }
    }'
}

@test "probabilities: top-2, log loss, Brier, calibration by hand" {
    two_systems
    # 45 of 48 right at confidence 0.9.
    [ "$(value top2 - - x.tsv)" = 1.000000000 ]
    [ "$(value ece - - x.tsv)" = 0.037500000 ]      # |45/48 - 0.9|
    [ "$(value brier - - x.tsv)" = 0.120000000 ]    # (45 * 0.02 + 3 * 1.62) / 48
    [ "$(value log_loss - - x.tsv)" = 0.242687052 ] # -(45 ln 0.9 + 3 ln 0.1) / 48
    [ "$(value bin_n 0.9 - x.tsv)" = 48.000000000 ]
    [ "$(value accuracy_rejecting 0 - x.tsv)" = 0.937500000 ]
    printf 'id\temotion\tpredicted\tp_a\n1\ta\ta\t1.5\n' >bad.tsv
    fails 3 "bad.tsv: row 1 .*p_a is no probability: '1.5'" ser-eval bad.tsv
    printf 'id\temotion\tpredicted\tp_a\tp_b\n1\tc\tc\t1\t0\n' >bad.tsv
    fails 3 "bad.tsv: row 1 .*predicted is 'c', but there is no column p_c" ser-eval bad.tsv
    printf 'id\temotion\tpredicted\tp_a\tp_b\n1\tc\ta\t1\t0\n' | ser-eval # another model's class
    printf 'id\temotion\tpredicted\tp_a\tp_b\n1\ta\ta\t1\t0\n2\ta\ta\t0.6\t0.3989\n' >bad.tsv
    fails 3 "bad.tsv: row 2 \(2\): probabilities add up to 0.9989, not to 1 within 0.001" ser-eval bad.tsv
    sed 's/0.3989/0.4011/' bad.tsv >more.tsv
    fails 3 "more.tsv: row 2 \(2\): probabilities add up to 1.0011" ser-eval more.tsv
    sed 's/0.3989/0.3991/' bad.tsv | ser-eval
}

@test "--fit-temperature: by hand, by SciPy, and where none is best" {
    two_systems
    # 45 of 48 right at 0.9: softmax(ln p / T) is 45/48 where T = ln(0.9 / 0.1) / ln(45 / 3).
    assert_equal "$(ser-eval --fit-temperature x.tsv)" 0.811368
    # Three classes: scipy.optimize.minimize_scalar of the mean of -ln softmax(ln p / T), SciPy 1.17, gives 2.8702899.
    awk 'BEGIN {
            print "id\temotion\tpredicted\tp_a\tp_b\tp_c"
            for (i = 0; i < 60; i++) {
                for (k = sum = top = 0; k < 3; k++) {
                    z[k] = exp(3 * ((i * 71 + k * 37) % 41 / 10 + (k == i % 3 && i % 4 ? 1.5 : 0))); sum += z[k]
                    if (z[k] > z[top]) top = k
                }
                printf "%d\t%c\t%c\t%.9g\t%.9g\t%.9g\n", i, 97 + i % 3, 97 + top, z[0] / sum, z[1] / sum, z[2] / sum
            }
    }' >made.tsv
    assert_equal "$(ser-eval --fit-temperature made.tsv)" 2.87029
    # What it makes of the probabilities needs no temperature any more.
    awk -F'\t' -v OFS='\t' -v CONVFMT=%.12g -v OFMT=%.12g -v t=0.811367742 'NR > 1 {a = $4 ^ (1 / t); b = $5 ^ (1 / t); $4 = a / (a + b); $5 = b / (a + b)} {print}' \
        x.tsv >scaled.tsv
    assert_equal "$(ser-eval --fit-temperature scaled.tsv)" 1
    assert_equal "$(ser-eval --fit-temperature x.tsv x.tsv -o -)" 0.811368
    awk -F'\t' -v OFS='\t' 'NR == 1 || $2 == $3' x.tsv >right.tsv
    fails 3 "right.tsv: no temperature from 0.01 to 100 is best: .* all right" ser-eval --fit-temperature right.tsv
    awk -F'\t' -v OFS='\t' 'NR == 1 || $2 != $3' x.tsv >wrong.tsv
    fails 3 "wrong.tsv: no temperature" ser-eval --fit-temperature wrong.tsv
    cut -f 1-3 x.tsv >bare.tsv
    fails 3 "bare.tsv: has no probabilities" ser-eval --fit-temperature bare.tsv
    fails 2 "give it without" ser-eval --fit-temperature --json x.tsv
}

@test "the tables of scikit-learn's own tests" {
    # sklearn/metrics/tests/test_classification.py, the confusion of its iris data; figures to more digits by
    # scikit-learn 1.9.1 from the same table.
    {
        printf 'id\temotion\tpredicted\n'
        echo 'setosa 19 4 1 versicolor 4 3 24 virginica 0 2 18' | awk '{
            split("setosa versicolor virginica", name, " ")
            for (t = 0; t < 3; t++) for (p = 1; p <= 3; p++) for (n = 0; n < $(4 * t + p + 1); n++)
                print ++id "\t" name[t + 1] "\t" name[p]
        }'
    } >iris.tsv
    [ "$(value n - - iris.tsv)" = 75.000000000 ]
    [ "$(value wa - - iris.tsv)" = 0.533333333 ]
    [ "$(value ua - - iris.tsv)" = 0.596146953 ]
    [ "$(value macro_f1 - - iris.tsv)" = 0.509979737 ]
    [ "$(value weighted_f1 - - iris.tsv)" = 0.473104357 ]
    [ "$(value precision versicolor - iris.tsv)" = 0.333333333 ]
    [ "$(value recall versicolor - iris.tsv)" = 0.096774194 ]
    [ "$(value f1 virginica - iris.tsv)" = 0.571428571 ]
    # test_log_loss of the same file: 1.8817971 and 0.6904911 there.
    printf '%s\n' 'id emotion predicted p_no p_yes' '1 no no .5 .5' '2 no yes .1 .9' '3 no yes .01 .99' \
        '4 yes no .9 .1' '5 yes no .75 .25' '6 yes yes .001 .999' | tr ' ' '\t' >two.tsv
    [ "$(value log_loss - - two.tsv)" = 1.881797069 ]
    printf '%s\n' 'id emotion predicted p_a p_b p_c' '1 b b .2 .7 .1' '2 a a .6 .2 .2' '3 c a .6 .1 .3' | tr ' ' '\t' >three.tsv
    [ "$(value log_loss - - three.tsv)" = 0.690491124 ]
    # top_k_accuracy_score with ties, k = 2: 3 of these 8 by scikit-learn 1.9.1.
    printf '%s\n' 'id emotion predicted p_a p_b p_c p_d' '1 a a .25 .25 .25 .25' '2 b a .25 .25 .25 .25' \
        '3 c a .25 .25 .25 .25' '4 d a .25 .25 .25 .25' '5 b a .4 .3 .3 0' '6 b b .1 .3 .3 .3' '7 c b .1 .3 .3 .3' \
        '8 a a .3 .3 .1 .3' | tr ' ' '\t' >ties.tsv
    [ "$(value top2 - - ties.tsv)" = 0.375000000 ]
}

# agrees FILE OPTION...: ser-eval's figures are those of the golden file, all of them, within 1e-9
agrees() {
    local golden=$1
    shift
    ser-eval --tsv "$@" | awk -F '\t' '
        {key = $1 FS $2 FS $3 FS $4}
        NR == FNR {want[key] = $5; next}
        FNR == 1 {next}
        !(key in want) {print "not expected: " $0; bad = 1; next}
        {
            seen[key]
            d = $5 - want[key]
            if (!(d <= 1e-9 && d >= -1e-9)) {
                print key ": " $5 ", expected " want[key]
                bad = 1
            }
        }
        END {
            for (key in want)
                if (!(key in seen)) {
                    print "missing: " key
                    bad = 1
                }
            exit bad
        }' "$golden" -
}

@test "every figure is scikit-learn's, or NumPy's by its formula" {
    cd "$ROOT/tests/golden/eval"
    agrees one.expected one.tsv
    agrees folds.expected fold1.tsv fold2.tsv
    agrees against.expected one.tsv --against other.tsv
}

# flat: a JSON object as rows of path and value
flat() {
    perl -e '
        sub walk {
            my ($v, $path) = @_;
            if (ref $v eq "HASH") { walk($v->{$_}, "$path/$_") for sort keys %$v }
            elsif (ref $v eq "ARRAY") { walk($v->[$_], "$path/$_") for 0 .. $#$v }
            else { print "$path\t$v\n" }
        }
        my $json = join "", <STDIN>;
        $json =~ s/":/"=>/g; # what Perl takes, too
        walk(eval $json, "")'
}

@test "JSON and TSV say the same of files, speakers, classes" {
    cd "$ROOT/tests/golden/eval"
    ser-eval --json fold1.tsv fold2.tsv | flat >"$BATS_TEST_TMPDIR/json"
    ser-eval --tsv fold1.tsv fold2.tsv >"$BATS_TEST_TMPDIR/tsv"
    cd "$BATS_TEST_TMPDIR"
    alike() { # alike PATH FILE MEASURE CLASS PREDICTED
        awk -F '\t' -v path="$1" -v file="$2" -v measure="$3" -v class="$4" -v predicted="$5" '
            NR == FNR {if ($1 == path) {json = $2; n++}; next}
            $1 == file && $2 == measure && $3 == class && $4 == predicted {tsv = $5; m++}
            END {if (n != 1 || m != 1 || json - tsv > 1e-12 || tsv - json > 1e-12) {print path, n, m, json, tsv; exit 1}}' json tsv
    }
    alike /ua pooled ua - -
    alike /ece pooled ece - -
    alike /confusion/0/2 pooled confusion angry happy
    alike /confusion_rate/0/2 pooled confusion_rate angry happy
    alike /per_class/happy/recall pooled recall happy -
    alike /reliability/4/accuracy pooled bin_accuracy 0.5 -
    alike /accuracy_rejecting/9 pooled accuracy_rejecting 90 -
    alike /files/1/wa fold2.tsv wa - -
    alike /files/1/confusion_rate/3/1 fold2.tsv confusion_rate sad calm
    alike /files/0/log_loss fold1.tsv log_loss - -
    alike /per_speaker/s2/macro_f1 speaker macro_f1 s2 -
    alike /per_speaker/s2/per_class/calm/precision speaker=s2 precision calm -
    alike /per_corpus/x/brier corpus brier x -
    alike /per_sex/male/confusion/1/0 sex=male confusion calm angry
    alike /over_files/brier/deviation deviation brier - -
    grep -q '^/over_files_by_class/0/measure	precision$' json
    assert_equal "$(grep -c '^/over_files_by_class/.*/mean	' json)" "$(grep -c '^mean	[^	]*	[^-]' tsv)"
}

@test "intervals resample speakers; fewer than five have none" {
    two_systems
    low=$(value wa_low - - x.tsv) high=$(value wa_high - - x.tsv)
    awk -v l="$low" -v h="$high" 'BEGIN {exit !(l >= 0.85 && l < 0.9376 && h > 0.9375 && h <= 1)}'
    [ "$low" = "$(value wa_low - - x.tsv)" ]
    [ -z "$(head -17 x.tsv | ser-eval --tsv | grep wa_low)" ]
    # Utterances of unknown speakers are no speaker's.
    (head -17 x.tsv && sed -n '18,21s/s5\t/-\t/p' x.tsv) >unknown.tsv
    [ "$(tail -4 unknown.tsv | cut -f 6 | uniq)" = - ]
    [ -z "$(ser-eval --tsv unknown.tsv | grep wa_low)" ]
    [ -n "$(head -21 x.tsv | ser-eval --tsv | grep wa_low)" ]
    ser-eval --tsv x.tsv | awk -F'\t' '$1 == "speaker" && $2 == "wa" && $3 == "s4" {exit $5 != 0.75}'
    [ "$(ser-eval --tsv x.tsv | grep -c "^sex	wa	")" = 2 ]
}

@test "two systems on the same utterances are compared" {
    two_systems
    run ser-eval x.tsv --against y.tsv
    assert_success
    assert_line --regexp '^accuracy \(WA\) +first - second \+0\.3750  \(95 %: \+0\.[23]'
    assert_line "only the first is right  20"
    assert_line "only the second is right 2"
    assert_line "McNemar's exact test     p = 0.0001211" # 2 * (1 + 22 + 231) / 2^22
    head -40 y.tsv >less.tsv
    fails 3 "less.tsv: 39 utterances, x.tsv has 48" ser-eval x.tsv --against less.tsv
    sed 's/^1\.1\t/other\t/' y.tsv >other.tsv
    fails 3 "other.tsv: has no utterance 1.1" ser-eval x.tsv --against other.tsv
}

# Five recordings of eight seconds: sad, then happy, which the first four name a second too late, the last not at all.
@test "--over-time: text, table and JSON say the same; intervals over speakers; what is in one table alone is told" {
    awk -v OFS='\t' 'BEGIN {
        print "id", "start_s", "end_s", "emotion", "speaker" >"truth.tsv"
        print "id", "predicted", "start_s", "end_s"
        for (r = 1; r <= 5; r++) {
            print "r" r, 0, 4, "sad", "s" r >"truth.tsv"
            print "r" r, 4, 8, "happy", "s" r >"truth.tsv"
            for (t = 0; t < 8; t++) print "r" r "@" t ".000", r == 5 || t < 5 ? "sad" : "happy", t, t + 1
        }
    }' >w.tsv
    ser-eval --over-time truth.tsv w.tsv >text
    grep -q '^accuracy (WA) *0\.8000  (95 %: 0\.[0-9]* to 0\.8750)$' text # 4 * 7 + 4 of 40 seconds
    grep -q '^happy *5 *4 *1 *0 *2\.00 *2\.00$' text
    assert_equal "$(grep -E '^(sad|all) .*\.[0-9]{2} ' text | tr -s ' ')" "sad 5 5 0 0 1.00 1.00
all 10 9 1 0 1.00 2.00"
    ser-eval --over-time truth.tsv --tsv <w.tsv | awk -F '\t' 'NR > 1 {printf "%s %s %s %.15g\n", $2, $3, $4, $5}' | sort >table
    ser-eval --over-time truth.tsv --json w.tsv | perl -e '
        sub walk { my ($v, @at) = @_;
            if (ref $v) { walk($v->{$_}, @at, $_) for keys %$v; return }
            @at = @at[2, 1] if $at[0] eq "per_class";
            push @at, "-" while @at < 3;
            print "@at $v\n" }
        local $/; walk(eval "+" . <STDIN> =~ s/":/",/gr)' | sort >json
    diff table json
    printf 'r6\t0\t1\tsad\ts6\n' >>truth.tsv
    printf 'q@0\tsad\t0\t1\n' >>w.tsv
    run --separate-stderr ser-eval --over-time truth.tsv w.tsv
    assert_equal "$(wc -l <<<"$stderr")" 2
    [[ $stderr = *"1 of 6 recordings have no row"*"1 recordings of the predictions are left out"* ]] || fail "$stderr"
    fails 2 "over-time judges windows: give it without" ser-eval --over-time truth.tsv --against w.tsv w.tsv
    fails 2 "only one input can be standard input" ser-eval --over-time - -
    fails 3 "^ser-eval: p.tsv: no columns start_s and end_s" ser-eval --over-time truth.tsv p.tsv
}
