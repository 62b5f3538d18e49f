#!/usr/bin/perl
# usage: tests/bench/regret.pl [--seeds N] [--budgets LIST] [--only REGEX] [--table FILE] [--space FILE] OUT
# Replays searches on a recorded grid, and prints a table of their mean regret: by how much the recall, trained to
# the end, of the trial that a search puts first is below that of the best combination. A budget is a number of
# trainings to the end; a search has as many trials as it pays for, counted in epochs. Writes to the folder OUT
#   runs.tsv     each search: method, seed, budget, epochs it trained, recall of its first trial, regret
#   regret.svg   the means, by gnuplot
# --only leaves out the methods whose names in the table the expression does not match.
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
my ($seeds, $budgets, $only) = (20, '3,5,8,12,18,27,40,60', '');
my ($table, $space) = ("$here/../golden/tune/grid.tsv", "$here/grid.space");
GetOptions('seeds=i' => \$seeds, 'budgets=s' => \$budgets, 'only=s' => \$only,
    'table=s' => \$table, 'space=s' => \$space)
    && $seeds > 0 && $budgets =~ /^[1-9]\d*(,[1-9]\d*)*$/ && @ARGV == 1
    or wrong('usage: regret.pl [--seeds N] [--budgets LIST] [--only REGEX] [--table FILE] [--space FILE] OUT');
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
my ($epochs) = sort { $b <=> $a } map { $#$_ } values %figures;
defined $epochs or fail("$table: is empty");
@points = map { join "\t", @$_[3 .. $#$_] } @points;
$#{$figures{$_} || []} == $epochs or fail("$table: lacks epochs of $_") for @points;
sub recall { my $r = $figures{$_[0]}[$epochs][2]; return $r eq '-' ? 0 : $r }
my $best = max map { recall($_) } @points;

# ---- one search ----

# Ours: the name in the table, and the options of ser-tune. Of those that grow, the first trials and who of them goes on
# do not depend on how many there are.
my %ours = (
    'random' => [qw(--method random)],
    'TPE' => [qw(--method tpe)],
    'TPE, one by one' => [qw(--method tpe --generation 1)],
    'halving' => [qw(--method halving)],
    'halving from 3 epochs' => [qw(--method halving --min-epochs 3)],
    'Hyperband' => [qw(--method hyperband)],
    'ASHA' => [qw(--method asha)],
    'ASHA from 3 epochs' => [qw(--method asha --min-epochs 3)],
);
my $grows = qr/^(random|TPE|ASHA)/;

sub tune { # COMMAND NAME SEED TRIALS ARGUMENT...
    my ($command, $name, $seed, $trials, @more) = @_;
    return lines($tune, $command, @{$ours{$name}}, '--seed', $seed, '--trials', $trials, '--epochs', $epochs, @more) || exit 3;
}

# The rungs of so many trials: epochs, expected trials, epochs trained in all.
my %plan;

sub plan {
    my ($name, $trials) = @_;
    return @{$plan{"$name $trials"} //= do { my ($head, @rungs) = @{tune('plan', $name, 1, $trials)}; \@rungs }};
}

# The most trials that a budget pays for, if all goes as planned.
sub affordable {
    my ($name, $budget) = @_;
    my ($low, $high) = (0, 10000);
    while ($low < $high) {
        my $middle = int(($low + $high + 1) / 2);
        if (sum(map { $_->[3] } plan($name, $middle)) <= $budget) { $low = $middle } else { $high = $middle - 1 }
    }
    return $low;
}

# Runs a search. Its trials: what each has drawn, and the epochs that it was trained for. Results are in $results.
sub run_search {
    my ($name, $seed, $trials) = @_;
    my (@point, @spent, $hash);
    open my $to, '>', $results or fail("$results: $!");
    $to->autoflush;
    print $to join("\t", qw(trial rung epochs space seed val_loss val_accuracy val_recall)), "\n";
    my $train = sub {
        my ($trial, $rung, $end) = @_;
        print $to join("\t", $trial, $rung, $end, $hash, $seed, @{$figures{$point[$trial]}[$end]}), "\n";
        $spent[$trial] = $end;
    };
    my $draw = sub {
        my ($head, @rows) = @{tune('draw', $name, $seed, $trials, $space, @_)};
        $hash = $rows[0][1];
        $point[$_->[0]] = join "\t", @$_[3 .. $#$_] for @rows;
    };
    if ($name =~ /^TPE/) {
        for (my $known = 0; $known < $trials; $known = $#point) {
            $draw->($results);
            $train->($_, 0, $epochs) for $known + 1 .. $#point;
        }
    } else {
        $draw->();
        for (plan($name, $trials)) {
            my ($rung, $end) = @$_;
            my ($head, @rows) = @{tune('judge', $name, $seed, $trials, '--rung', $rung, $space, $results)};
            $train->($_->[0], $rung, $end) for @rows;
        }
    }
    close $to or fail("$results: $!");
    return (\@point, \@spent);
}

# ---- all searches ----

my (%regret, @methods); # of a method and a budget, of all seeds
open my $runs, '>', "$out/runs.new" or fail("$out/runs.new: $!");
print $runs join("\t", qw(method seed budget epochs recall regret)), "\n";

sub note {
    my ($name, $seed, $budget, $spent, $recall) = @_;
    my $regret = $best - $recall;
    push @methods, $name unless $regret{$name};
    push @{$regret{$name}{$budget}}, $regret;
    printf $runs "%s\t%d\t%d\t%d\t%.6g\t%.6g\n", $name, $seed, $budget, $spent, $recall, $regret;
}

sub note_ours { # the trial that the first N trials put first
    my ($name, $seed, $budget, $n, $point, $spent) = @_;
    my $first = tune('judge', $name, $seed, $n, $space, $results)->[1][0];
    note($name, $seed, $budget, sum(@$spent[1 .. $n]), recall($point->[$first]));
}

for my $name (grep { /(?:$only)/ } sort { lc $a cmp lc $b } keys %ours) {
    for my $seed (1 .. $seeds) {
        if ($name !~ $grows) {
            for my $budget (@budgets) {
                my $trials = affordable($name, $budget * $epochs);
                note_ours($name, $seed, $budget, $trials, run_search($name, $seed, $trials));
            }
            next;
        }
        # The plan of ASHA is a mean: some go on more often.
        my $trials = int(affordable($name, $budgets[-1] * $epochs) * ($name =~ /ASHA/ ? 1.3 : 1));
        my ($point, $spent) = run_search($name, $seed, $trials);
        for my $budget (@budgets) {
            my ($n, $sum) = (0, 0);
            $sum += $spent->[++$n] while $n < $trials && $sum + $spent->[$n + 1] <= $budget * $epochs;
            note_ours($name, $seed, $budget, $n, $point, $spent);
        }
    }
}
unlink $results;

my $peer = 'Optuna' =~ /(?:$only)/ || $only =~ /Optuna/ ? lines(@python, "$here/regret_peer.py", $table, $space, $seeds, @budgets) : undef;
my $version = $peer && @$peer ? (shift @$peer)->[0] : '';
for (grep { $_->[0] =~ /(?:$only)/ } $peer ? @$peer : ()) { note(@$_) }
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
    "cost, in trainings of $epochs epochs. The best of ", scalar(@points), ' combinations has a recall of ',
    sprintf('%.4f', $best), ".\n";
print $version =~ /^# (.*)/ ? "Peer: $1.\n" : "Left out: Optuna, which PYTHON (@python) does not have.\n";

# All of ours draw their first trials from the same numbers, so a seed can be compared with itself.
if ($regret{random}) {
    print "\n| less regret than random has | ", join(' | ', @budgets), " |\n|---|", '---|' x @budgets, "\n";
    for my $name (grep { $ours{$_} && $_ ne 'random' } @methods) {
        print "| $name |", (map {
            my ($own, $random) = ($regret{$name}{$_}, $regret{random}{$_});
            sprintf ' %.2f (%.2f) |', mean_error(map { $random->[$_] - $own->[$_] } 0 .. $#$own)
        } @budgets), "\n";
    }
    print "\nMean of the differences of each seed.\n";
}

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
set logscale x
set yrange [0:]
set xlabel 'cost in trainings to the end'
set ylabel 'mean regret in points of recall'
set key outside right noenhanced
END
print $plot "set output '", "$out/regret.svg" =~ s/'/''/gr, "'\n";
print $plot "set xrange [$budgets[0]:$budgets[-1]]\nset xtics (", join(', ', @budgets), ")\n";
print $plot 'plot ', join(', ', map {
    sprintf "\$method%d with linespoints lw 2 pt 7 ps 0.5 %s lc %d title '%s'", $_,
        $methods[$_] =~ /^Optuna/ ? 'dt 2' : 'dt 1', 1 + $_ % 8, $methods[$_]
} 0 .. $#methods), "\n";
close $plot or fail('gnuplot failed');
