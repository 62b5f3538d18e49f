#!/usr/bin/perl
# usage: tests/bench/regret.pl [--seeds N] [--budgets LIST] [--table FILE] [--space FILE] OUT
# Replays searches on a recorded grid, and prints a table of their mean regret: by how much the recall, trained to
# the end, of the trial that a search puts first is below that of the best combination. A budget is a number of
# trainings to the end; a search has as many trials as it pays for, counted in epochs. Writes to the folder OUT
#   runs.tsv     each search: method, seed, budget, epochs it trained, recall of its first trial, regret
#   regret.svg   the means, by gnuplot
# Our methods are asked of ser-tune draw and judge alone, Optuna's of regret_peer.py.
# Environment: BUILD, the folder of the programs; PYTHON, the command of a Python that has Optuna, without which it
# is left out, and a line says so.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use Getopt::Long;
use List::Util qw(max sum);

sub wrong { print STDERR "@_\n"; exit 2 }
sub fail { print STDERR "regret.pl: @_\n"; exit 3 }

my $here = abs_path(dirname($0));
my ($seeds, $budgets) = (20, '3,5,8,12,18,27,40,60');
my ($table, $space) = ("$here/../golden/tune/grid.tsv", "$here/grid.space");
GetOptions('seeds=i' => \$seeds, 'budgets=s' => \$budgets, 'table=s' => \$table, 'space=s' => \$space)
    && $seeds > 0 && $budgets =~ /^[1-9]\d*(,[1-9]\d*)*$/ && @ARGV == 1
    or wrong('usage: regret.pl [--seeds N] [--budgets LIST] [--table FILE] [--space FILE] OUT');
my @budgets = sort { $a <=> $b } split /,/, $budgets;
my ($out) = @ARGV;
my $tune = ($ENV{BUILD} || "$here/../../build") . '/ser-tune';
my @python = split ' ', $ENV{PYTHON} || 'python3';
make_path($out);
my $results = "$out/results.new";

# ---- the grid ----

sub lines { # of a command's standard output, cut at tabs; undef if it fails
    open my $from, '-|', @_ or fail("$_[0]: $!");
    my @lines = map { chomp; [split /\t/] } <$from>;
    return close $from ? \@lines : undef;
}

my ($names, @points) = @{lines($tune, qw(draw --method grid --trials 10000), $space) || exit 3};
my @names = @$names[3 .. $#$names];
my %figures; # of a combination: of each epoch, from 1, loss, accuracy and recall
open my $file, '<', $table or fail("$table: $!");
chomp(my $head = <$file> // '');
my %at;
@at{split /\t/, $head} = 0 .. 100;
defined $at{$_} or fail("$table: has no column $_") for @names, qw(epoch val_loss val_accuracy val_recall);
while (<$file>) {
    chomp;
    my @f = split /\t/;
    $figures{join "\t", @f[@at{@names}]}[$f[$at{epoch}]] = [@f[@at{qw(val_loss val_accuracy val_recall)}]];
}
my $epochs = $#{(values %figures)[0] || fail("$table: is empty")};
for (@points) {
    my $point = join "\t", @$_[3 .. $#$_];
    $#{$figures{$point} || []} == $epochs or fail("$table: lacks epochs of $point");
}
sub recall { my $r = $figures{$_[0]}[$epochs][2]; return $r eq '-' ? 0 : $r }
my $best = max map { recall($_) } keys %figures;

# ---- one search ----

# The rungs of so many trials of a method: epochs and expected trials and epochs trained.
my %plan;

sub plan {
    my ($method, $trials) = @_;
    return $plan{"$method $trials"} //= do {
        my ($head, @rungs) = @{lines($tune, 'plan', '--method', $method, '--epochs', $epochs, '--trials', $trials)
            || exit 3};
        \@rungs;
    };
}

sub expected { return sum map { $_->[3] } @{plan(@_)} }

# The most trials that a budget pays for, if all goes as planned.
sub affordable {
    my ($method, $budget) = @_;
    my ($low, $high) = (0, 10000);
    while ($low < $high) {
        my $middle = int(($low + $high + 1) / 2);
        if (expected($method, $middle) <= $budget) { $low = $middle } else { $high = $middle - 1 }
    }
    return $low;
}

# Runs a search. Its trials: what each has drawn, and the epochs that it was trained for. Results are in $results.
sub run_search {
    my ($method, $seed, $trials) = @_;
    my @same = ('--method', $method, '--seed', $seed, '--trials', $trials);
    my (@point, @spent, $hash);
    open my $to, '>', $results or fail("$results: $!");
    print $to join("\t", qw(trial rung epochs space seed val_loss val_accuracy val_recall)), "\n";
    my $train = sub {
        my ($trial, $rung, $end) = @_;
        print $to join("\t", $trial, $rung, $end, $hash, $seed, @{$figures{$point[$trial]}[$end]}), "\n";
        $spent[$trial] = $end;
    };
    my $take = sub {
        my ($head, @rows) = @{$_[0] || exit 3};
        $hash = $rows[0][1];
        $point[$_->[0]] = join "\t", @$_[3 .. $#$_] for @rows;
    };
    my $flush = sub { $to->flush; return $results };
    if ($method eq 'tpe') {
        for (my $known = 0; $known < $trials; $known = $#point) {
            $take->(lines($tune, 'draw', @same, '--epochs', $epochs, $space, $flush->()));
            $train->($_, 0, $epochs) for $known + 1 .. $#point;
        }
    } else {
        $take->(lines($tune, 'draw', @same, $space));
        for (@{plan($method, $trials)}) {
            my ($rung, $end) = @$_;
            my ($head, @rows) = @{lines($tune, 'judge', @same, '--epochs', $epochs, '--rung', $rung, $space,
                $flush->()) || exit 3};
            $train->($_->[0], $rung, $end) for @rows;
        }
    }
    close $to or fail("$results: $!");
    return (\@point, \@spent);
}

sub first_trial {
    my ($method, $seed, $trials) = @_;
    my $judged = lines($tune, 'judge', '--method', $method, '--seed', $seed, '--trials', $trials, '--epochs', $epochs,
        $space, $results) || exit 3;
    return $judged->[1][0];
}

# ---- all searches ----

my %regret; # of a method and a budget, of all seeds
my @methods;
open my $runs, '>', "$out/runs.new" or fail("$out/runs.new: $!");
print $runs join("\t", qw(method seed budget epochs recall regret)), "\n";

sub note {
    my ($method, $seed, $budget, $spent, $recall) = @_;
    my $regret = $best - $recall;
    push @methods, $method unless $regret{$method};
    push @{$regret{$method}{$budget}}, $regret;
    printf $runs "%s\t%d\t%d\t%d\t%.6g\t%.6g\n", $method, $seed, $budget, $spent, $recall, $regret;
}

# What of some methods the first trials draw, and who of them goes on, does not depend on how many there are.
for my $method (qw(random tpe asha)) {
    for my $seed (1 .. $seeds) {
        my $trials = affordable($method, $budgets[-1] * $epochs);
        $trials = int(1.3 * $trials) if $method eq 'asha'; # whose plan is a mean
        my ($point, $spent) = run_search($method, $seed, $trials);
        for my $budget (@budgets) {
            my ($n, $sum) = (0, 0);
            $sum += $spent->[++$n] while $n < $trials && $sum + $spent->[$n + 1] <= $budget * $epochs;
            note($method, $seed, $budget, $sum, recall($point->[first_trial($method, $seed, $n)]));
        }
    }
}
for my $method (qw(halving hyperband)) {
    for my $seed (1 .. $seeds) {
        for my $budget (@budgets) {
            my $trials = affordable($method, $budget * $epochs);
            my ($point, $spent) = run_search($method, $seed, $trials);
            note($method, $seed, $budget, sum(@$spent[1 .. $trials]),
                recall($point->[first_trial($method, $seed, $trials)]));
        }
    }
}
unlink $results;

my $peer = lines(@python, "$here/regret_peer.py", $table, $space, $seeds, @budgets);
my $version = $peer && @$peer ? (shift @$peer)->[0] : '';
note(@$_) for $peer ? @$peer : ();
close $runs or fail("$out/runs.new: $!");
rename "$out/runs.new", "$out/runs.tsv" or fail("$out/runs.tsv: $!");

# ---- the table and the picture ----

# Mean, and its standard error, in points of a hundred.
sub mean_error {
    my @x = map { 100 * $_ } @_;
    my $mean = sum(@x) / @x;
    return ($mean, @x > 1 ? sqrt(sum(map { ($_ - $mean)**2 } @x) / (@x - 1) / @x) : 0);
}

print '| method | ', join(' | ', @budgets), " |\n|---|", '---|' x @budgets, "\n";
for my $method (@methods) {
    print "| $method |", (map { sprintf ' %.2f (%.2f) |', mean_error(@{$regret{$method}{$_}}) } @budgets), "\n";
}
print "\nMean regret in points of recall, and its standard error in brackets, over $seeds seeds; above, what a search may ",
    "cost, in trainings of $epochs epochs. The best of ", scalar(keys %figures), ' combinations has a recall of ',
    sprintf('%.4f', $best), ".\n";
print $version =~ /^# (.*)/ ? "Peer: $1.\n" : "Left out: Optuna, which PYTHON (@python) does not have.\n";

open my $plot, '|-', 'gnuplot' or fail("gnuplot: $!");
for my $i (0 .. $#methods) {
    print $plot "\$method$i << END\n";
    print $plot join(' ', $_, mean_error(@{$regret{$methods[$i]}{$_}})), "\n" for @budgets;
    print $plot "END\n";
}
print $plot <<'END';
set terminal svg size 860,520 noenhanced background rgb 'white' font 'sans-serif,14'
set border 3 lc rgb 0x404040
set tics nomirror out scale 0.6
set logscale xy
set xlabel 'cost in trainings to the end'
set ylabel 'mean regret in points of recall'
set key outside right noenhanced
END
print $plot "set output '", "$out/regret.svg" =~ s/'/''/gr, "'\n";
print $plot 'set xtics (', join(', ', @budgets), ")\n";
print $plot 'plot ', join(', ', map {
    sprintf "\$method%d with linespoints lw 2 pt 7 ps 0.5 %s lc %d title '%s'", $_,
        $methods[$_] =~ /^Optuna/ ? 'dt 2' : 'dt 1', 1 + $_ % 8, $methods[$_]
} 0 .. $#methods), "\n";
close $plot or fail('gnuplot failed');
