#!/usr/bin/perl
# usage: tests/bench/run.pl [--rounds N] [--threads LIST] [--batches LIST] [--clips LIST] [--repeat N]
# Times the tools and their peers in turn, and prints a table of medians and ratios; make bench calls
# it. In each round everything that one row compares is timed once, one after the other; a first round
# warms up and does not count. A number is the median over the rounds, behind it least and most; a
# ratio is the median of the rounds' ratios, and above 1 we are faster.
#   --threads, --batches, --clips   which threads, batches and corpus sizes; --repeat: timings of
#                                   short work in each round
# Environment: BUILD, the folder of the programs; ROUNDS; the peers PYTHON, SMILEXTRACT, SPTK; RAVDESS, a
# folder of WAV files (README.md). What is missing is left out, and a line at the end says so.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use IPC::Open2;
use List::Util qw(max min);

my ($rounds, $repeat) = ($ENV{ROUNDS} || 5, 5);
my ($threads, $batches, $sizes) = ('1,2', '32,100', '100,200,400,800');
GetOptions('rounds=i' => \$rounds, 'repeat=i' => \$repeat, 'threads=s' => \$threads,
    'batches=s' => \$batches, 'clips=s' => \$sizes) && $rounds > 0 && $repeat > 0 && !@ARGV
    or die "usage: run.pl [--rounds N] [--threads LIST] [--batches LIST] [--clips LIST] [--repeat N]\n";
my @threads = split /,/, $threads;
my @batches = split /,/, $batches;
my @sizes = split /,/, $sizes;

my $here = abs_path('.');
my $build = $ENV{BUILD} || 'build';
$build = "$here/$build" unless $build =~ m{^/};
my $nets = 'pipelines/nets';
my $temp = tempdir('ser-bench-XXXXXX', TMPDIR => 1, CLEANUP => 1);
$SIG{$_} = sub { exit 1 } for qw(HUP INT TERM); # and the folder goes
my @left_out;

# A peer may live in another root folder, from where files without links have these names, too.
sub seen_by_peer { return map { "/proc/$$/root" . abs_path($_) } @_ }
my @peer_python = split ' ', $ENV{PYTHON} || 'python3';
my ($script) = seen_by_peer("$here/tests/bench/peer.py");

# ---- programs that answer ----

sub start {
    my ($name, @command) = @_;
    my %s = (name => $name);
    eval { $s{pid} = open2($s{out}, $s{in}, @command) } or return;
    return \%s;
}

sub ask {
    my ($s, @fields) = @_;
    print {$s->{in}} join("\t", @fields), "\n";
    $s->{in}->flush;
    my $answer = readline $s->{out};
    defined $answer or die "run.pl: $s->{name} gave no answer to: @fields[0 .. min(3, $#fields)]\n";
    chomp $answer;
    return $answer;
}

# The peer in Python; nothing when it does not start.
sub start_python {
    my ($role) = @_;
    my $s = start($role, @peer_python, $script, $role) or return;
    my $version = readline $s->{out};
    return unless defined $version;
    chomp($s->{version} = $version);
    return $s;
}

my $nn = start('nn', "$build/bench/nn", "$nets/attention.net");
my $peak = start('peak', "$build/bench/peak");
my $launch = start('launch', "$build/bench/launch");
my $torch = start_python('torch');
my $librosa = do {
    local @ENV{qw(OMP_NUM_THREADS OPENBLAS_NUM_THREADS)} = (1, 1);
    start_python('librosa');
};
push @left_out, "PyTorch: @peer_python cannot import torch" unless $torch;
push @left_out, "librosa: @peer_python cannot import librosa and soundfile" unless $librosa;

# ---- rounds and rows ----

# Times each of NAME => SUB once a round; returns NAME => [a number a round].
sub measure {
    my (@subs) = @_;
    my %times;
    for my $round (0 .. $rounds) {
        for (my $i = 0; $i < @subs; $i += 2) {
            my $t = $subs[$i + 1]->();
            push @{$times{$subs[$i]}}, $t if $round;
        }
    }
    return \%times;
}

sub median {
    my @x = sort { $a <=> $b } @_;
    return ($x[$#x / 2] + $x[@x / 2]) / 2;
}

sub figure {
    my ($x) = @_;
    my $digits = $x >= 100 ? 0 : $x >= 10 ? 1 : $x >= 1 ? 2 : 3;
    return sprintf "%.${digits}f", $x;
}

sub spread {
    my (@x) = @_;
    return figure(median(@x)) . ' (' . figure(min(@x)) . '-' . figure(max(@x)) . ')';
}

sub row {
    printf "| %-52s | %-24s | %-36s | %-20s |\n", map { $_ // '' } @_[0 .. 3];
}

sub every { # every SUB LIST [LIST]: SUB of each round's number, or pair of numbers
    my ($sub, $x, $y) = @_;
    return map { $sub->($x->[$_], $y && $y->[$_]) } 0 .. $#$x;
}

# compare WHAT, UNIT, OURS, PEER, THEIRS: lists of seconds; unit makes of them what is shown.
sub compare {
    my ($what, $unit, $ours, $peer, $theirs) = @_;
    row($what, spread(every($unit, $ours)),
        $theirs ? ("$peer " . spread(every($unit, $theirs)),
            spread(every(sub { $_[1] / $_[0] }, $ours, $theirs))) : ());
}

sub rate { my ($n) = @_; return sub { $n / $_[0] } }
sub ms { my ($n) = @_; return sub { 1e3 * $_[0] / $n } }

# Whole processes: the median of a few runs.
sub launched {
    my ($times, $input, @command) = @_;
    my ($s) = split ' ', ask($launch, $times, $input, "$temp/output", @command);
    return $s;
}

sub memory_mb {
    my ($input, @command) = @_;
    my (undef, $bytes) = split ' ', ask($launch, 1, $input, "$temp/output", @command);
    return $bytes / 1e6;
}

# ---- clips ----

# Speed does not depend on what is said: noise of a RAVDESS recording's length does as well.
sub make_clip {
    my ($path) = @_;
    my $samples = int 3.7 * 48000;
    my $data = pack 's<*', map { int rand(20000) - 10000 } 1 .. $samples;
    open my $f, '>:raw', $path or die "run.pl: $path: $!\n";
    print $f pack('a4Va4a4VvvVVvva4V', 'RIFF', 36 + 2 * $samples, 'WAVE', 'fmt ', 16, 1, 1, 48000,
        96000, 2, 16, 'data', 2 * $samples), $data;
    close $f or die "run.pl: $path: $!\n";
    return $path;
}

# As many as are needed, some more than once if there are not so many.
sub find_clips {
    my ($n) = @_;
    my @found;
    if ($ENV{RAVDESS}) {
        open my $find, '-|', 'find', '-L', $ENV{RAVDESS}, '-name', '*.wav' or die "run.pl: find: $!\n";
        chomp(@found = sort <$find>);
        @found = map { abs_path($_) } @found;
        @found or die "run.pl: $ENV{RAVDESS}: no *.wav below it\n";
    } else {
        srand 1;
        @found = map { make_clip("$temp/clip$_.wav") } 1 .. min(8, $n);
        push @left_out, 'recordings: clips are generated noise; RAVDESS=FOLDER takes real ones';
    }
    return map { $found[$_ % @found] } 0 .. $n - 1;
}

sub write_manifest {
    my ($path, $part, @clips) = @_;
    my @emotions = qw(angry disgust fearful happy neutral sad);
    open my $f, '>', $path or die "run.pl: $path: $!\n";
    print $f join("\t", qw(id path corpus speaker sex emotion part)), "\n";
    print $f join("\t", "$part$_", $clips[$_], 'bench', $part, 'male', $emotions[$_ % 6], $part), "\n"
        for 0 .. $#clips;
    close $f or die "run.pl: $path: $!\n";
    return $path;
}

# ---- what is measured ----

sub plural { my ($n, $what) = @_; return "$n $what" . ($n == 1 ? '' : 's') }

# PyTorch's default layout, and the one that is faster for those who know of it.
my @layouts = qw(default channels_last);

sub torch_subs {
    my ($what, @numbers) = @_;
    return () unless $torch;
    return map { my $layout = $_;
        ("$layout $what $numbers[0]" => sub { ask($torch, "$what @numbers $layout") }) } @layouts;
}

sub compare_torch {
    my ($what, $unit, $m, $name) = @_;
    compare($what, $unit, $m->{$name}, 'PyTorch', $m->{"default $name"});
    compare($what, $unit, $m->{$name}, 'channels_last', $m->{"channels_last $name"}) if $torch;
}

sub network {
    my $gflop = ask($nn, 'gflop');
    my $isa = ask($peak, 'isa');
    for my $batch (@batches) {
        my @subs;
        for my $t (@threads) {
            for my $what (qw(train infer)) {
                push @subs, "$what $t" => sub { ask($nn, "$what $t $batch $repeat") };
                push @subs, torch_subs($what, $t, $batch, $repeat);
            }
            push @subs, "peak $t" => sub { ask($peak, "peak $t") };
        }
        my $m = measure(@subs);
        for my $what (qw(train infer)) {
            for my $t (@threads) {
                compare_torch(($what eq 'train' ? 'training' : 'inference') . ", batch $batch, "
                    . plural($t, 'thread') . ', samples/s', rate($batch), $m, "$what $t");
            }
        }
        for my $t (@threads) {
            my $speed = sub { 1e-9 * $_[0] };
            my @done = every(sub { $batch * $gflop / $_[0] }, $m->{"train $t"});
            my @share = map { 100 * $done[$_] * 1e9 / $m->{"peak $t"}[$_] } 0 .. $#done;
            row("training, batch $batch, " . plural($t, 'thread') . ', plain GFLOP/s',
                spread(@done), "peak, $isa " . spread(every($speed, $m->{"peak $t"})),
                spread(@share) . ' % of peak');
        }
        compare("training, batch $batch, " . plural($_, 'thread') . ', samples/s', rate($batch),
            $m->{"train $_"}, 'ser, ' . plural($threads[0], 'thread'), $m->{"train $threads[0]"})
            for @threads[1 .. $#threads];
    }
}

sub latency {
    my $times = 10 * $repeat;
    my @subs;
    for my $t (@threads) {
        push @subs, "infer $t" => sub { ask($nn, "infer $t 1 $times") };
        push @subs, torch_subs('infer', $t, 1, $times);
    }
    my $m = measure(@subs);
    compare_torch('latency of one sample, ' . plural($_, 'thread') . ', ms', ms(1), $m, "infer $_")
        for @threads;
}

# librosa must be the librosa whose features ours equal, or it is no peer.
sub check_librosa {
    my $reference = $ENV{SER_REFERENCE};
    my $worst = 0;
    for my $known (map { glob "$_/*.mfcc.npy" } 'tests/golden/mfcc', $reference ? "$reference/mfcc" : ()) {
        my $wav = $known =~ s/\.mfcc\.npy$/.wav/r;
        $worst = max($worst, ask($librosa, 'check', seen_by_peer($wav, $known)));
    }
    return if $worst < 1e-3;
    push @left_out, "$librosa->{version}: differs by $worst from the reference features";
    $librosa = undef;
}

sub files {
    my (@clips) = @_;
    my $n = @clips;
    my $manifest = write_manifest("$temp/files.tsv", 'train', @clips);
    my @peer = seen_by_peer(@clips);
    my @mfcc = ("$build/ser-mfcc", '-q', '--jobs', 1, @clips);
    my @augment = ("$build/ser-augment", '-q', '--jobs', 1, '--pitch', '2:2', $manifest);
    my $m = measure(
        mfcc => sub { launched(1, '/dev/null', @mfcc) },
        $librosa ? ('librosa mfcc' => sub { $n * ask($librosa, 'mfcc', @peer) }) : (),
        pitch => sub { launched(1, '/dev/null', @augment) },
        $librosa ? ('librosa pitch' => sub { $n * ask($librosa, 'shift', 2, @peer) }) : ());
    compare('file to MFCC, 1 core, ms a file', ms($n), $m->{mfcc}, 'librosa', $m->{'librosa mfcc'});
    compare('file to pitch shift, 1 job, ms a file', ms($n), $m->{pitch}, 'librosa',
        $m->{'librosa pitch'});
}

sub mfcc_process {
    my ($clip) = @_;
    my @smile = split ' ', $ENV{SMILEXTRACT} || '';
    my $sptk = $ENV{SPTK};
    my $times = 2 * $repeat;
    my @subs = (ser => sub { launched($times, '/dev/null', "$build/ser-mfcc", $clip) });
    push @subs, smile => sub {
        launched($times, '/dev/null', @smile, '-I', $clip, '-O', "$temp/smile", '-l', 0);
    } if @smile;
    if ($sptk) {
        # Its converter to doubles takes longer than all the rest: that is done before.
        ask($launch, 1, $clip, "$temp/doubles", "$sptk/x2x", '+sd');
        my $pipe = 'frame -l 1200 -p 480 | window -l 1200 -L 2048 | mfcc -l 2048 -m 12 -s 48';
        push @subs, sptk => sub {
            launched($times, "$temp/doubles", 'sh', '-c', "PATH='$sptk':\$PATH; $pipe");
        };
    }
    my $m = measure(@subs);
    compare('process: ser-mfcc FILE, ms', ms(1), $m->{ser}, 'SMILExtract', $m->{smile});
    compare('process: ser-mfcc FILE, ms', ms(1), $m->{ser}, 'SPTK pipe', $m->{sptk}) if $sptk;
    push @left_out, 'openSMILE: SMILEXTRACT is not given' unless @smile;
    push @left_out, 'SPTK: SPTK is not given' unless $sptk;
}

sub file_to_answer {
    my ($clip, $model) = @_;
    my @line = ('sh', '-c', "'$build/ser-mfcc' | '$build/ser-score' '$model'");
    my @python;
    my @subs = (ser => sub { launched(2 * $repeat, $clip, @line) });
    if ($torch && $librosa) {
        my ($net) = map { "$_/net" } seen_by_peer($temp);
        launched(1, '/dev/null', @peer_python, $script, 'save', $net);
        @python = (@peer_python, $script, 'answer', $net);
        push @subs, python => sub { launched(1, $clip, @python) };
    }
    my $m = measure(@subs);
    compare('processes: file to ser-mfcc to ser-score, ms', ms(1), $m->{ser}, 'Python',
        $m->{python});
    my ($ours, $theirs) = map { @$_ && memory_mb($clip, @$_) } \@line, \@python;
    row('memory of the largest of these processes, MB', figure($ours),
        $theirs ? ('Python ' . figure($theirs), figure($theirs / $ours)) : ());
}

# Features and one epoch of training for corpora of several sizes; leaves a model for the next.
sub corpora {
    my ($model, @clips) = @_;
    my $val = write_manifest("$temp/val.tsv", 'val', @clips[0 .. 5]);
    ask($launch, 1, '/dev/null', "$temp/val.sert", "$build/ser-mfcc", '-q', '-m', $val);
    my @subs;
    for my $n (@sizes) {
        my $train = write_manifest("$temp/$n.tsv", 'train', @clips[0 .. $n - 1]);
        for my $t (@threads) {
            push @subs, "mfcc $n $t" => sub {
                launched(1, '/dev/null', "$build/ser-mfcc", '-q', '--jobs', $t, '-m', $train);
            };
        }
        ask($launch, 1, '/dev/null', "$temp/$n.sert", "$build/ser-mfcc", '-q', '-m', $train);
        for my $t (@threads) {
            push @subs, "train $n $t" => sub {
                launched(1, '/dev/null', "$build/ser-train", '-q', '--threads', $t, '--epochs', 1,
                    '--net', "$nets/attention.net", '--val', "$temp/val.sert", '-o', $model,
                    "$temp/$n.sert");
            };
        }
    }
    my $m = measure(@subs);
    my ($one, $all) = @threads[0, -1];
    for my $tool (['mfcc', '--jobs'], ['train', '--threads']) {
        my ($name, $option) = @$tool;
        compare("process: ser-$name $option $all, $_ clips, ms a clip", ms($_), $m->{"$name $_ $all"},
            $all == $one ? () : ("ser, $option $one", $m->{"$name $_ $one"})) for @sizes;
    }
}

# ---- the report ----

sub first_line {
    my ($path, $pattern) = @_;
    open my $f, '<', $path or return 'unknown';
    while (<$f>) {
        return $1 if /$pattern/;
    }
    return 'unknown';
}

$| = 1;
check_librosa() if $librosa;
my ($version) = `'$build/ser-mfcc' --version` =~ /([0-9.]+)/;
chomp(my $cores = `nproc`);
my @clips = find_clips(max(@sizes, 6));
printf "%s, %s, Linux %s, %s\n", first_line('/proc/cpuinfo', qr/^model name\s*: (.*)/),
    plural($cores, 'core'), first_line('/proc/sys/kernel/osrelease', qr/^([0-9.]+)/),
    first_line('/etc/os-release', qr/^PRETTY_NAME="(.*)"/);
print join(', ', "ser $version with kernels " . ask($nn, 'kernels'), map { $_->{version} } grep { $_ }
    $torch, $librosa), '; ', plural($rounds, 'round'), "\n\n";
row('attention network, 40 x 174, 6 classes; clips of 3.7 s', 'ser (least-most)', 'peer', 'ratio');
row('---', '---', '---', '---');
network();
latency();
files(@clips[0 .. min(240, scalar @clips) - 1]);
my $model = "$temp/model.bin";
corpora($model, @clips);
mfcc_process($clips[0]);
file_to_answer($clips[0], $model);
print "\n", map { "left out: $_\n" } @left_out if @left_out;
