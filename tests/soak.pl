#!/usr/bin/perl
# usage: perl soak.pl SECONDS TOOL=PID... <PREDICTIONS
# The watch of tests/soak: reads the predictions, compares each row with the first of its id, and looks at the
# processes every second. SECONDS begin when every utterance has come ten times. When they are over it
# makes the file stop, reads to the end, and compares the number of rows with that in the file fed. Prints a table
# and the slopes from the end of the first quarter, or minute. Exits 1 when
#   a row is another than the first of its id, or rows are missing
#   nothing comes for a minute, or the end before it is due
#   memory rises by more than 64 kB a minute and 256 kB in all: a record that leaves a hundred bytes behind is
#   beyond both after 2,500 records, a few seconds of a free machine, and a page now and then is not
#   descriptors or threads become more
#   the last quarter brings less than half as many rows as the second for the same time of the processors; the
#   rows a second are no test, since others work here, too
# Memory is the private part of the resident set (RssAnon).
use strict;
use warnings;

my ($seconds, @tools) = @ARGV;
my %pid = map { /^([^=]+)=(\d+)$/ } @tools;
@tools = map { /^([^=]+)/ } @tools;
my $warm = $seconds / 4 < 60 ? $seconds / 4 : 60;
my ($most_slope, $most_rise) = (64, 256);
my ($rows, $tail, %first, $columns) = (0, '');
my (@samples, @wrong); # a sample: [s, rows, {tool => [kB, descriptors, threads, s of processors]}]
$| = 1;

sub now {
    open my $file, '<', '/proc/uptime' or die "/proc/uptime: $!";
    return (split ' ', <$file>)[0];
}

# Undefined when it has come to its end.
sub look {
    my ($pid) = @_;
    open my $status, '<', "/proc/$pid/status" or return undef;
    my %of = map { /^(\w+):\s+(\d+)/ } <$status>;
    opendir my $dir, "/proc/$pid/fd" or return undef;
    my $descriptors = grep { /^\d/ } readdir $dir;
    open my $stat, '<', "/proc/$pid/stat" or return undef;
    my @after = split ' ', <$stat> =~ s{.*\)}{}r;
    return defined $of{RssAnon} ? [$of{RssAnon}, $descriptors, $of{Threads}, ($after[11] + $after[12]) / 100] : undef;
}

# A row's id is in its first column.
sub take {
    my ($row) = @_;
    return $columns = $row if !defined $columns;
    my ($id) = split /\t/, $row;
    $first{$id} //= $row;
    push @wrong, "row $rows is\n$row\nand the first of its id was\n$first{$id}" if $row ne $first{$id} && !@wrong;
    $rows++;
}

sub watch {
    my ($heard, $start, $next, $stopped) = (now());
    while (1) {
        my $bits = '';
        vec($bits, 0, 1) = 1;
        if (select $bits, undef, undef, 0.05) {
            sysread(STDIN, $tail, 65536, length $tail) or last;
            $heard = now();
            my @lines = split /\n/, $tail, -1;
            $tail = pop @lines;
            take($_) for @lines;
        }
        my $now = now();
        return push @wrong, 'nothing has come for a minute' if $now - $heard > 60;
        $start = $next = $now if !$start && $rows && $rows >= 10 * keys %first;
        next if !$start || $now < $next || $stopped;
        $next = $now + 1; # where it had to wait, what was missed stays so: two samples in a moment have no rate
        my %seen = map { $_ => look($pid{$_}) } @tools;
        push @samples, [$now - $start, $rows, \%seen] unless grep { !defined } values %seen;
        if ($now - $start >= $seconds) {
            open my $stop, '>', 'stop' or die "stop: $!";
            $stopped = 1;
        }
    }
    push @wrong, 'the end came too early' if !$stopped;
    push @wrong, 'the last row is cut' if $tail ne '';
    open my $fed, '<', 'fed' or return push @wrong, 'nobody says how many records there were';
    chomp(my $records = <$fed>);
    push @wrong, "$rows rows of $records records" if $rows != $records;
}

# Least squares: by how much y rises while x rises by one.
sub slope {
    my ($x, $y) = @_;
    my ($n, $mx, $my, $xx, $xy) = (scalar @$x, 0, 0, 0, 0);
    $mx += $_ / $n for @$x;
    $my += $_ / $n for @$y;
    for (0 .. $#$x) {
        $xx += ($x->[$_] - $mx)**2;
        $xy += ($x->[$_] - $mx) * ($y->[$_] - $my);
    }
    return $xx ? $xy / $xx : 0;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted ? ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2 : 0;
}

# Theil and Sen: the median of the slopes between any two points; a few slow seconds do not bend it.
sub robust_slope {
    my ($x, $y) = @_;
    my @slopes;
    for my $i (0 .. $#$x) {
        push @slopes, map { ($y->[$_] - $y->[$i]) / ($x->[$_] - $x->[$i]) } $i + 1 .. $#$x;
    }
    return median(@slopes);
}

# Rows a second between two samples.
sub rate {
    my ($from, $to) = @_;
    return ($to->[1] - $from->[1]) / ($to->[0] - $from->[0]);
}

# Rows for each second that the processors gave to the tools between two samples.
sub worth {
    my ($from, $to) = @_;
    my $spent = 0;
    $spent += $to->[2]{$_}[3] - $from->[2]{$_}[3] for @tools;
    return $spent ? ($to->[1] - $from->[1]) / $spent : 0;
}

sub table {
    printf '%6s %7s', 's', 'rows/s';
    printf '   %s: kB, descriptors, threads', $_ for @tools;
    print "\n";
    my $last = $samples[0];
    for my $i (1 .. $#samples) {
        my $s = $samples[$i];
        next if $i != $#samples && int($s->[0] * 10 / $seconds) == int($last->[0] * 10 / $seconds);
        printf '%6.0f %7.1f', $s->[0], rate($last, $s);
        printf '   %*d %*d %*d', length($_), $s->[2]{$_}[0], 14, $s->[2]{$_}[1], 8, $s->[2]{$_}[2] for @tools;
        print "\n";
        $last = $s;
    }
}

# The samples between two parts of the time.
sub between {
    my ($from, $to) = @_;
    return grep { $_->[0] >= $from * $seconds && $_->[0] <= $to * $seconds + 1 } @samples;
}

sub judge_tool {
    my ($tool, @warm) = @_;
    my @minutes = map { $_->[0] / 60 } @warm;
    my ($kb, $descriptors, $threads) = map { my $k = $_; [map { $_->[2]{$tool}[$k] } @warm] } 0 .. 2;
    my $slope = slope(\@minutes, $kb);
    $slope = 0 if abs $slope < 0.05;
    my $rise = $slope * ($minutes[-1] - $minutes[0]);
    printf "%s: memory %+.1f kB/min (%+.0f kB in %.1f min), descriptors %d to %d, threads %d to %d\n", $tool, $slope,
        $rise, $minutes[-1] - $minutes[0], $descriptors->[0], $descriptors->[-1], $threads->[0], $threads->[-1];
    push @wrong, "$tool: memory rises" if $slope > $most_slope && $rise > $most_rise;
    push @wrong, "$tool: descriptors are left open" if grep { $_ > $descriptors->[0] } @$descriptors;
    push @wrong, "$tool: threads are left" if grep { $_ > $threads->[0] } @$threads;
}

sub judge_speed {
    my @warm = @_;
    my @rates = map { rate(@warm[$_ - 1, $_]) } 1 .. $#warm;
    my @minutes = map { $_->[0] / 60 } @warm[1 .. $#warm];
    my $median = median(@rates);
    my @second = between(0.25, 0.5);
    my @fourth = between(0.75, 1);
    my @quarter = map { worth($_->[0], $_->[-1]) } \@second, \@fourth;
    my $trend = $median ? 100 * robust_slope(\@minutes, \@rates) / $median : 0;
    printf "rows: %d of %d utterances; median %.1f a second, %+.2f %% a minute; for a second of the processors "
        . "%.1f in the second quarter, %.1f in the last\n", $rows, scalar keys %first, $median, $trend, @quarter;
    push @wrong, 'in the last quarter a row costs more than twice what it did in the second'
        if $quarter[1] < $quarter[0] / 2;
}

watch();
my @warm = grep { $_->[0] >= $warm } @samples;
if (@warm >= 3) {
    table();
    judge_tool($_, @warm) for @tools;
    judge_speed(@warm);
} else {
    push @wrong, 'it was over before it could be judged';
}
print STDERR "soak: $_\n" for @wrong;
exit(@wrong ? 1 : 0);
