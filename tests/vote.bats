#!/usr/bin/env bats
# ser-vote: means worked out by hand, and tables that have no common vote.
load helper

# predictions P...: a table of utterances u1, u2 ... whose classes calm and sad have the probabilities P and 1 - P
predictions() {
    printf 'id\temotion\tpredicted\tconfidence\tp_calm\tp_sad\tspeaker\tcorpus\tsex\n'
    printf '%s\n' "$@" | awk -v OFS='\t' '{
        q = 1 - $1
        print "u" NR, (NR % 2 ? "calm" : "sad"), ($1 >= q ? "calm" : "sad"), ($1 >= q ? $1 : q), $1, q, "s" NR, "c", "-"}'
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    predictions 0.9 0.2 0.5 >a.tsv
    predictions 0.3 0.4 0.5 >b.tsv
    predictions 0.2 0.9 0.75 >c.tsv
}

# p COLUMN...: of the table on standard input, rows in one line
p() {
    cut -f "$1" | sed 1d | xargs
}

@test "the mean of probabilities; the class of the largest, of equal ones the first" {
    ser-vote a.tsv b.tsv >v.tsv
    assert_equal "$(p 5 <v.tsv)" "0.6 0.3 0.5"
    assert_equal "$(p 6 <v.tsv)" "0.4 0.7 0.5"
    assert_equal "$(p 3 <v.tsv)" "calm sad calm"
    assert_equal "$(p 4 <v.tsv)" "0.6 0.7 0.5"
    same <(cut -f 1,2,7- v.tsv) <(cut -f 1,2,7- a.tsv)
    [ "$(head -1 v.tsv)" = "$(head -1 a.tsv)" ]
    # u1: (0.9 + 0.3 + 0.2) / 3 = 0.4667: outvoted
    assert_equal "$(ser-vote a.tsv b.tsv c.tsv | p 3)" "sad calm calm"
    assert_equal "$(ser-vote a.tsv b.tsv c.tsv | p 5)" "0.466666667 0.5 0.583333333"
    # One alone is what it was, as a file and from a pipe; the input may be one of several.
    ser-vote a.tsv | same - a.tsv
    ser-vote --log a.tsv | same - a.tsv
    ser-vote <b.tsv | same - b.tsv
    ser-vote -o w.tsv - b.tsv <a.tsv
    same v.tsv w.tsv
}

@test "--weights: their ratios alone matter" {
    # u1: (0.9 + 3 * 0.3) / 4 = 0.45
    assert_equal "$(ser-vote --weights 1,3 a.tsv b.tsv | p 5)" "0.45 0.35 0.5"
    ser-vote -w 2,6 a.tsv b.tsv | same - <(ser-vote --weights 1,3 a.tsv b.tsv)
    ser-vote --weights 0,1 a.tsv b.tsv | same - b.tsv
    fails 2 "--weights: 2 for 3 tables: give one each" ser-vote --weights 1,2 a.tsv b.tsv c.tsv
    fails 2 "--weights: 3 for 1 table: give one each" ser-vote --weights 1,2,3 a.tsv
    fails 2 "--weights: all are 0" ser-vote --weights 0,0 a.tsv b.tsv
    for bad in -1 x '' nan 1e7; do
        fails 2 "--weights: '$bad' is not a number from 0" ser-vote --weights "1,$bad" a.tsv b.tsv
    done
}

@test "--log: the geometric mean" {
    # u1: sqrt(0.9 * 0.3) / (sqrt(0.9 * 0.3) + sqrt(0.1 * 0.7)) = 0.66261
    assert_equal "$(ser-vote --log a.tsv b.tsv | p 5 | cut -c 1-7)" "0.66261"
    # Weighted: 0.9^.25 * 0.3^.75 = 0.39480; 0.1^.25 * 0.7^.75 = 0.43036; 0.47845
    assert_equal "$(ser-vote --log --weights 1,3 a.tsv b.tsv | p 5 | cut -c 1-6)" "0.4784"
    # One that is sure outvotes two that are not quite: 1e-38 against 1; it is still a number.
    predictions 0 0 0 >zero.tsv
    predictions 1 1 1 >one.tsv
    assert_equal "$(ser-vote --log a.tsv b.tsv zero.tsv | p 3)" "sad sad sad"
    assert_equal "$(ser-vote --log zero.tsv one.tsv | p 4)" "0.5 0.5 0.5"
}

@test "another order of rows and columns is the same table" {
    { head -1 b.tsv && sed 1d b.tsv | tac; } | awk -F'\t' -v OFS='\t' '{print $9, $6, $2, $1, $5}' >other.tsv
    ser-vote a.tsv other.tsv | same - <(ser-vote a.tsv b.tsv)
    # What the first table knows besides stays.
    paste a.tsv <(printf 'start_s\n0\n1.5\n3\n') >more.tsv
    assert_equal "$(ser-vote more.tsv b.tsv | p 10)" "0 1.5 3"
    cut -f 1-3,5,6 a.tsv >fewer.tsv
    ser-vote fewer.tsv b.tsv | same - <(ser-vote a.tsv b.tsv | cut -f 1-3,5,6)
}

@test "tables of other utterances or classes are refused by name" {
    refused() { fails 3 "^ser-vote: $1" ser-vote "${@:2}"; }
    sed 's/^u2/u9/' b.tsv >x.tsv
    refused 'x.tsv: row 2 \(u9\): is not in a.tsv: only predictions of the same utterances vote' a.tsv x.tsv
    sed '/^u2/d' b.tsv >x.tsv
    refused 'x.tsv: has no row of u2, which a.tsv has \(such rows: 1\)' a.tsv b.tsv x.tsv
    refused 'a.tsv: row 2 \(u2\): is not in x.tsv' x.tsv a.tsv
    sed 's/^u2/u1/' b.tsv >x.tsv
    refused "x.tsv: row 2 \\(u1\\): the id 'u1' comes twice" a.tsv x.tsv
    refused "x.tsv: the id 'u1' comes twice" x.tsv a.tsv
    sed '2s/calm/sad/' b.tsv >x.tsv
    refused "x.tsv: row 1 \\(u1\\): the emotion is 'sad' here, but 'calm' in a.tsv" a.tsv x.tsv
    sed '1s/p_sad/p_angry/' b.tsv >x.tsv
    refused 'x.tsv: has no column p_sad, which a.tsv has' a.tsv x.tsv
    paste b.tsv <(printf 'p_angry\n0\n0\n0\n') >x.tsv
    refused 'x.tsv: has 3 classes, a.tsv has 2' a.tsv x.tsv
    cut -f 1-4 a.tsv >x.tsv
    refused 'x.tsv: no columns p_CLASS' x.tsv
    refused 'x.tsv: has no column p_calm' a.tsv x.tsv
    head -1 a.tsv >x.tsv
    refused 'x.tsv: has no rows' x.tsv
    refused 'x.tsv: has no row of u1, which a.tsv has \(such rows: 3\)' a.tsv x.tsv
    cut -f 2- a.tsv >x.tsv
    refused "x.tsv: no column 'id'" x.tsv
    for bad in 1.1 -0.1 x nan ''; do
        awk -F'\t' -v OFS='\t' -v p="$bad" 'NR == 3 {$5 = p} 1' b.tsv >x.tsv
        refused "x.tsv: row 2 \\(u2\\): p_calm is no probability: '$bad'" a.tsv x.tsv
    done
    awk -F'\t' -v OFS='\t' 'NR == 3 {$5 = 0.5} 1' b.tsv >x.tsv
    refused 'x.tsv: row 2 \(u2\): probabilities add up to 1.1, not to 1' a.tsv x.tsv
    refused 'x.tsv: row 2 \(u2\): probabilities add up to 1.1, not to 1' x.tsv
    fails 4 'none.tsv: cannot open' ser-vote a.tsv none.tsv
    fails 2 'only one input can be standard input' ser-vote - -
    fails 2 "--output './a.tsv' would be written over the input 'a.tsv'" ser-vote -o ./a.tsv b.tsv a.tsv
}
