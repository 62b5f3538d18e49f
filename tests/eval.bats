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
    for key in wa ua macro_f1 weighted_f1 n classes confusion per_class files over_files; do
        grep -q "\"$key\":" p.json
    done
    grep -q '"confusion":\[\[2,1,0\],\[0,2,0\],\[1,0,0\]\]' p.json
    grep -q '"classes":\["a","b","c"\]' p.json
    printf 'id\temotion\tpredicted\n1\ta"\\b\ta"\\b\n' | ser-eval --json | grep -qF '"a\"\\b"'
}

@test "the text shows every class and the confusion" {
    run ser-eval p.tsv
    assert_line --regexp '^accuracy \(WA\) +0\.6667  \(95 %: n/a\)$'
    assert_line --regexp '^b +0\.6667 +1\.0000 +0\.8000 +2$'
    assert_line --regexp '^a +2 +1 +0$'
}

@test "utterances of unknown emotion are left out and counted" {
    printf '7\t-\ta\n' >>p.tsv
    run --separate-stderr ser-eval --tsv p.tsv
    assert_success
    [[ $stderr == *"1 utterances of unknown emotion are left out"* ]]
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
    printf 'id\temotion\tpredicted\n1\t-\ta\n' >d.tsv
    fails 3 "nothing to evaluate" ser-eval d.tsv
    printf 'id\temotion\tpredicted\n1\t\ta\n' >e.tsv
    fails 3 "e.tsv: row 1" ser-eval e.tsv
    fails 4 "none.tsv: cannot open" ser-eval none.tsv
    fails 2 "not both" ser-eval --tsv --json p.tsv
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
}

@test "intervals resample speakers; fewer than five have none" {
    two_systems
    low=$(value wa_low - - x.tsv) high=$(value wa_high - - x.tsv)
    awk -v l="$low" -v h="$high" 'BEGIN {exit !(l >= 0.85 && l < 0.9376 && h > 0.9375 && h <= 1)}'
    [ "$low" = "$(value wa_low - - x.tsv)" ]
    [ -z "$(head -17 x.tsv | ser-eval --tsv | grep wa_low)" ]
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
