#!/usr/bin/env bats
# ser-tune: what is drawn, who goes on, and what is no space or no result of it.
load helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cat >s.space <<'END'
# every kind, and an option that depends on another
NET choice a.net b.net
lr log 1e-4 1e-2
batch choice 16 32 64
net.units int 2 4 when NET=b.net
features.coefs choice 20 40
label-smoothing uniform 0 0.2 # a comment
END
}

# results RUNG EPOCHS TRIAL=RECALL...: rows of the space's results; a recall of - is a trial that failed
results() {
    local rung=$1 epochs=$2 hash row
    hash=$(ser-tune draw --trial 1 s.space | awk 'NR == 2 {print $2}')
    shift 2
    for row; do
        if [ "${row#*=}" = - ]; then
            printf '%s\t%s\t%s\t%s\t1\t-\t-\t-\n' "${row%=*}" "$rung" "$epochs" "$hash"
        else
            printf '%s\t%s\t%s\t%s\t1\t%s\t0.5\t%s\n' "${row%=*}" "$rung" "$epochs" "$hash" "${row#*=}" "${row#*=}"
        fi
    done
}

header='trial\trung\tepochs\tspace\tseed\tval_loss\tval_accuracy\tval_recall\n'

# judge OPTION...: of results.tsv, with 9 epochs at most, in one line
judge() {
    ser-tune judge --epochs 9 "$@" s.space results.tsv >judged.tsv || return
    sed 1d judged.tsv | cut -f 1 | xargs
}

@test "draws: a trial is the same whatever else is drawn" {
    ser-tune draw --trials 200 s.space >all.tsv
    assert_equal "$(head -1 all.tsv)" "$(printf 'trial\tspace\tseed\tNET\tlr\tbatch\tnet.units\tfeatures.coefs\tlabel-smoothing')"
    [ "$(wc -l <all.tsv)" = 201 ]
    same <(head -n 18 all.tsv) <(ser-tune draw --trials 17 s.space)
    same <(sed -n '1p; 18p' all.tsv) <(ser-tune draw --trials 17 --trial 17 - <s.space)
    # Ranges are kept, and every choice comes; an option that does not apply is -.
    awk -F'\t' 'NR > 1 {
        if ($1 != NR - 1 || $5 < 1e-4 || $5 > 1e-2 || $9 < 0 || $9 > 0.2 || ($7 == "-") != ($4 == "a.net")) exit 1
        if ($7 != "-" && $7 !~ /^[234]$/) exit 1
        low += $5 < 1e-3
        for (i = 4; i <= 8; i++) if (i != 5) seen[i, $i]++
    } END {exit !(low > 80 && low < 120 && seen[4, "a.net"] && seen[4, "b.net"] && seen[6, 16] && seen[6, 32] &&
        seen[6, 64] && seen[7, 2] && seen[7, 3] && seen[7, 4] && seen[8, 20] && seen[8, 40])}' all.tsv
    # Another line, or another order, leaves the draws of the others; a comment leaves the hash.
    { echo 'warmup int 0 5' && grep -v coefs s.space; } >other.space
    same <(ser-tune draw --trials 50 other.space | cut -f 5,6,7 | sed 1d) <(sed -n 2,51p all.tsv | cut -f 4,5,6)
    [ "$(ser-tune draw --trial 1 other.space | sed 1d | cut -f 2)" != "$(sed -n 2p all.tsv | cut -f 2)" ]
    sed 's/#.*//; s/ /   /g' s.space | ser-tune draw --trials 200 - | same - all.tsv
    run ser-tune draw --seed 2 --trials 200 -o two.tsv s.space
    same <(cut -f 1,2 two.tsv) <(cut -f 1,2 all.tsv)
    [ "$(cut -f 5 two.tsv | sort - <(cut -f 5 all.tsv) | uniq -d)" = lr ]
}

@test "a grid: every combination once, and none that differs only where it does not apply" {
    grep -v 'lr\|smoothing' s.space >grid.space
    ser-tune draw --method grid --trials 1000 grid.space >grid.tsv
    # (1 + 3) * 3 * 2
    assert_equal "$(sed 1d grid.tsv | wc -l)" 24
    assert_equal "$(sed 1d grid.tsv | cut -f 4- | sort -u | wc -l)" 24
    assert_equal "$(sed -n 3p grid.tsv | cut -f 1,4-)" "$(printf '2\ta.net\t16\t-\t40')"
    same <(ser-tune draw --method grid --trials 5 grid.space) <(head -n 6 grid.tsv)
    fails 3 's.space: lr has no end of values: a grid needs choice or int' ser-tune draw --method grid s.space
    printf 'batch int 1 200\nwarmup int 1 200\n' >grid.space
    fails 3 'grid.space: a grid of more than 10000 points' ser-tune draw --method grid grid.space
}

@test "halving: a third goes on; ties to the earlier; who failed is last" {
    { printf "$header" && results 0 1 1=0.3 2=0.5 3=- 4=0.5 5=0.1 6=0.4 7=0.5; } >results.tsv
    assert_equal "$(judge --trials 7 --rung 0)" "1 2 3 4 5 6 7"
    assert_equal "$(judge --trials 7 --rung 1)" "2 4"
    assert_equal "$(judge --trials 7)" "2 4 7 6 1 5 3"
    assert_equal "$(judge --trials 7 --by loss --rung 1)" "1 5"
    assert_equal "$(judge --trials 7 --by accuracy --rung 1)" "1 2"
    ser-tune judge --trials 7 --epochs 9 --rung 1 --trial 4 s.space results.tsv
    run -1 ser-tune judge --trials 7 --epochs 9 --rung 1 --trial 7 s.space results.tsv
    fails 3 'results.tsv: has no result of trial 2 on rung 1, which decides who goes on' judge --trials 7 --rung 2
    results 1 3 2=0.2 4=0.3 >>results.tsv
    assert_equal "$(judge --trials 7 --rung 2)" "4"
    results 2 9 4=0.1 >>results.tsv
    assert_equal "$(judge --trials 7)" "4 2 7 6 1 5 3"
    # With fewer trials later ones are passed over, with more they are wanted.
    assert_equal "$(judge --trials 2 --rung 1)" "2"
    fails 3 'no result of trial 8 on rung 0' judge --trials 8 --rung 1
    # The order of rows is nothing.
    { head -1 results.tsv && sed 1d results.tsv | sort -r; } >r && mv r results.tsv
    assert_equal "$(judge --trials 7)" "4 2 7 6 1 5 3"
}

@test "asha does not wait for later trials; hyperband has brackets; random one rung" {
    { printf "$header" && results 0 1 1=0.3 2=0.5 3=0.6 4=0.1 5=0.5 6=0.55 8=0.9; } >results.tsv
    asha() { ser-tune judge --method asha --trials 9 --epochs 9 --rung 1 --trial "$1" s.space results.tsv; }
    asha 3
    asha 6
    for trial in 1 2 4 5; do run -1 asha $trial; done
    for trial in 7 8; do fails 3 'no result of trial 7 on rung 0' asha $trial; done
    run ser-tune plan --method hyperband --trials 17 --epochs 9
    assert_output "$(printf 'rung\tepochs\ttrials\ttrained\n0\t1\t9\t9\n1\t3\t8\t21\n2\t9\t5\t39')"
    printf "$header" >results.tsv
    assert_equal "$(judge --method hyperband --trials 17 --rung 0)" "1 2 3 4 5 6 7 8 9"
    run ser-tune judge --method hyperband --trials 17 --epochs 9 --rung 1 --trial 10 s.space results.tsv
    assert_success
    run ser-tune plan --method random --trials 4 --epochs 9
    assert_output "$(printf 'rung\tepochs\ttrials\ttrained\n0\t9\t4\t36')"
}

# known FIRST LAST: results of these trials of tpe.tsv, better the nearer lr is to 3e-3
known() {
    awk -F'\t' -v OFS='\t' -v first="$1" -v last="$2" 'NR > 1 && $1 >= first && $1 <= last {
        x = 1 / (1 + log($5 / 3e-3) ^ 2); print $1, 0, 27, $2, $3, 1, x, x}' tpe.tsv
}

@test "tpe: a generation is drawn from the results of those before it, in any order, by whatever lines there are" {
    tpe() { ser-tune draw --method tpe --trials 40 "$@"; }
    # Until eight results are known it is random: those of generations 1 and 2.
    tpe s.space >tpe.tsv
    same tpe.tsv <(ser-tune draw --method random --trials 8 s.space)
    printf "$header" >results.tsv
    for last in 8 12 16 20 24 28 32 36 40; do
        assert_equal "$(tail -n 1 tpe.tsv | cut -f 1)" $last
        known $((last == 8 ? 1 : last - 3)) $last >>results.tsv
        tpe s.space results.tsv >tpe.new
        # What was drawn stays.
        same tpe.tsv <(head -n $((last + 1)) tpe.new)
        mv tpe.new tpe.tsv
    done
    # The later half is nearer the best, in all kinds a value is one that can be.
    awk -F'\t' 'NR > 9 {n++; near += $5 > 1e-3 && $5 < 9e-3} NR > 1 {
        if ($4 !~ /^[ab].net$/ || $5 < 1e-4 || $5 > 1e-2 || $6 !~ /^(16|32|64)$/ || ($7 == "-") != ($4 == "a.net") ||
            $8 !~ /^[24]0$/ || $9 < 0 || $9 > 0.2) exit 1} END {exit !(n == 32 && near > 20)}' tpe.tsv
    # The order of rows is nothing, and a trial needs the generations before its own alone.
    { head -n 1 results.tsv && sed 1d results.tsv | sort -r; } | tpe s.space - | same - tpe.tsv
    same <(sed -n '1p; 21p' tpe.tsv) <(head -n 17 results.tsv | tpe --trial 20 s.space -)
    head -n 16 results.tsv >cut.tsv
    assert_equal "$(tpe s.space cut.tsv | tail -n 1 | cut -f 1)" 16
    fails 3 'cut.tsv: has no result of trial 16, from which trial 17 is drawn: is the table cut' tpe --trial 17 s.space cut.tsv
    fails 3 'no RESULTS: has no result of trial 1, from which trial 9' tpe --trial 9 s.space
    fails 3 'cut.tsv: row 1 .*: is of another search: its seed' tpe --seed 2 s.space cut.tsv
    fails 3 'cut.tsv: row 1 .*: 27 epochs on rung 0 are of a search with other' tpe --epochs 9 s.space cut.tsv
    # Another generation, another figure.
    assert_equal "$(tpe --generation 10 s.space cut.tsv | tail -n 1 | cut -f 1)" 20
    assert_equal "$(tpe --generation 1 s.space | tail -n 1 | cut -f 1)" 8
    run diff <(tpe --by loss s.space results.tsv) tpe.tsv
    assert_failure 1
    # Failed trials are results.
    sed -E '10,$s/1\t[0-9.e-]+\t[0-9.e-]+$/-\t-\t-/' results.tsv >failed.tsv
    assert_equal "$(tpe s.space failed.tsv | tail -n 1 | cut -f 1)" 40
}

@test "tpe: points of a grid are drawn once; numbers of a choice have an order, other words none" {
    printf 'batch choice 16 32 64 128 256\nNET choice a b c\n' >grid.space
    ser-tune draw --method tpe --trials 15 --generation 3 grid.space >tpe.tsv
    assert_equal "$(sed 1d tpe.tsv | wc -l)" 9
    printf "$header" >results.tsv
    awk -F'\t' -v OFS='\t' 'NR > 1 {x = $4 == 16 ? 0.9 : $4 == 32 ? 0.8 : 0.1; print $1, 0, 27, $2, $3, 1, x, x}' \
        tpe.tsv >>results.tsv
    ser-tune draw --method tpe --trials 15 --generation 3 grid.space results.tsv >tpe.new
    # None of the next three is one that was.
    assert_equal "$(sed 1d tpe.new | tail -n 3 | cut -f 4- | sort - <(sed 1d tpe.tsv | cut -f 4- | sort -u) | uniq -d)" ''
    sed 's/256/more/' grid.space >words.space
    hash=$(ser-tune draw --trial 1 words.space | sed -n 2p | cut -f 2)
    sed "s/$(sed -n 2p tpe.tsv | cut -f 2)/$hash/" results.tsv >words.tsv
    run diff <(ser-tune draw --method tpe --trials 15 --generation 3 words.space words.tsv |
        sed s/more/256/ | cut -f 4-) <(cut -f 4- tpe.new)
    assert_failure 1
}

@test "what is no space is told by line" {
    bad() { # bad LINE MESSAGE
        printf 'lr log 1e-4 1e-2\n%s\n' "$1" >bad.space
        fails 3 "^ser-tune: bad.space: line 2: $2" ser-tune draw bad.space
    }
    bad 'lr uniform 0 1' 'the option lr comes twice'
    bad 'learning-rate log 1 2' "'learning-rate' is no option"
    bad 'epochs int 1 2' "'epochs' is no option"
    bad 'seed int 1 2' "'seed' is no option"
    bad 'features.lr log 1 2' "'features.lr' is no option"
    bad 'net.A$b int 1 2' ".* is no option"
    bad 'min-lr log 0 1' 'min-lr: a logarithm from 0: it must begin above 0'
    bad 'min-lr log -1 1' 'min-lr: a logarithm from -1'
    bad 'min-lr uniform 1 1' 'min-lr: from 1 to 1 is an empty range'
    bad 'batch int 4 2' 'batch: from 4 to 2 is an empty range'
    bad 'batch int 1.5 2' "batch: '1.5' to '2': expected whole numbers"
    bad 'batch uniform a 2' "batch: 'a' to '2': expected numbers"
    bad 'batch uniform 1' 'batch: expected two numbers, not 1'
    bad 'batch' 'batch: expected log, uniform, int or choice'
    bad 'batch normal 1 2' "batch: 'normal' is none of"
    bad 'batch choice' 'batch: choice of nothing'
    bad 'batch choice 1 2 1' "batch: the choice '1' comes twice"
    bad 'batch choice $(x)' '.* is no word'
    bad 'batch choice --net' '.* is no word'
    bad 'NET log 1 2' 'NET is a choice of networks'
    bad 'batch choice 1 when NET=a.net' "no line before has the option 'NET'"
    bad 'batch choice 1 when lr=1' "lr is never '1'"
    bad 'batch choice 1 when lr' "'lr' is not OTHER=VALUE"
    printf '%s\n' 'batch int 5 322' 'lr log 1 2 when batch=08' >bad.space # it is drawn as 8
    fails 3 "^ser-tune: bad.space: line 2: batch is never '08'" ser-tune draw bad.space
    printf '# nothing\n' >bad.space
    fails 3 'bad.space: names no option' ser-tune draw bad.space
    printf 'lr\0' >bad.space
    fails 3 'bad.space: holds a NUL byte' ser-tune draw bad.space
}

@test "results of another space, seed or plan, and tables that are cut, are told by row" {
    { printf "$header" && results 0 1 1=0.3 2=0.5 3=0.4; } >good.tsv
    bad() { # bad MESSAGE
        fails 3 "^ser-tune: results.tsv: $1" judge --trials 3 --rung 1
    }
    awk -F'\t' -v OFS='\t' 'NR == 3 {$4 = "0123456789abcdef"} 1' good.tsv >results.tsv
    bad 'row 2 \(2\): is of another space: its hash is 0123456789abcdef'
    awk -F'\t' -v OFS='\t' 'NR == 3 {$5 = 2} 1' good.tsv >results.tsv
    bad 'row 2 \(2\): is of another search: its seed is 2, not 1'
    awk -F'\t' -v OFS='\t' 'NR == 3 {$3 = 2} 1' good.tsv >results.tsv
    bad 'row 2 \(2\): 2 epochs on rung 0 are of a search with other'
    { cat good.tsv && results 0 1 2=0.9; } >results.tsv
    bad 'row 4 \(2\): trial 2 has two results on rung 0'
    awk -F'\t' -v OFS='\t' 'NR == 3 {$8 = "nan"} 1' good.tsv >results.tsv
    bad 'row 2 \(2\): val_loss, val_accuracy and val_recall are no figures'
    awk -F'\t' -v OFS='\t' 'NR == 3 {$8 = "-"} 1' good.tsv >results.tsv
    bad 'row 2 \(2\): val_loss, val_accuracy and val_recall are no figures'
    awk -F'\t' -v OFS='\t' 'NR == 3 {$1 = 0} 1' good.tsv >results.tsv
    bad 'row 2 \(0\): trial counts from 1'
    head -n 3 good.tsv >results.tsv
    bad 'has no result of trial 3 on rung 0, which decides who goes on: is the table cut'
    head -c -6 good.tsv >results.tsv
    bad 'row 3 .*fields'
    cut -f 1-7 good.tsv >results.tsv
    bad "no column 'val_recall'"
    fails 4 'none.tsv: cannot open' ser-tune judge s.space none.tsv
    fails 3 '<stdin>: .*empty' ser-tune judge s.space
}

@test "options that do not fit together are refused" {
    fails 2 'draw, plan or judge is missing' ser-tune
    fails 2 "'see' is none of draw, plan, judge" ser-tune see s.space
    fails 2 'judge needs the space' ser-tune judge
    fails 2 'too many files' ser-tune draw s.space s.space
    fails 2 'too many files' ser-tune draw --method tpe s.space s.space s.space
    fails 2 'only one input can be standard input' ser-tune draw --method tpe - -
    fails 2 '--generation belongs to --method tpe' ser-tune draw --generation 2 s.space
    fails 2 '--rung belongs to judge' ser-tune draw --rung 0 s.space
    fails 2 '--rung: there are 3, from 0 to 2' ser-tune judge --epochs 9 --rung 3 s.space
    fails 2 '--min-epochs 10 is above --epochs 9' ser-tune plan --epochs 9 --min-epochs 10
    fails 2 '--trial 3 is beyond --trials 2' ser-tune draw --trials 2 --trial 3 s.space
    fails 2 '--trial belongs to' ser-tune plan --trial 1
    fails 2 'only one input can be standard input' ser-tune judge - -
}
