#!/usr/bin/perl
# usage: tests/bench/run.pl [--rounds N] [--threads LIST] [--batches LIST] [--clips LIST] [--repeat N] [--live S] [--sound S]
# Times the tools and their peers in turn, and prints a table of medians and ratios; make bench calls
# it. In each round everything that one row compares is timed once, one after the other, and every
# other round in the opposite order; a first round warms up and does not count. A number is the median
# over the rounds, behind it least and most; a ratio is the median of the rounds' ratios, and above 1
# we are faster.
#   --threads, --batches, --clips   which threads, batches and corpus sizes; --repeat: timings of
#                                   short work in each round
#   --live, --sound                 seconds of sound at its own pace, and as fast as it goes
# Environment: BUILD, the folder of the programs; ROUNDS; ONLY, some of the groups below, blanks between;
# BEFORE, the folder of another build; WHISPER and HUBERT, folders of encoders; the peers PYTHON, KERAS, OPENSMILE,
# SMILEXTRACT, SPTK; RAVDESS, a folder of WAV files (README.md). What is missing is left out, and a line at the end says so.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use IPC::Open2;
use List::Util qw(max min);

sub wrong { print STDERR "@_\n"; exit 2 }

my ($rounds, $repeat, $live_s, $sound_s) = ($ENV{ROUNDS} || 5, 5, 20, 3600);
my ($threads, $batches, $sizes) = ('1,2', '32,100', '100,200,400,800');
GetOptions('rounds=i' => \$rounds, 'repeat=i' => \$repeat, 'threads=s' => \$threads,
    'batches=s' => \$batches, 'clips=s' => \$sizes, 'live=i' => \$live_s, 'sound=i' => \$sound_s)
    && $rounds > 0 && $repeat > 0 && $live_s > 0 && $sound_s > 0 && !@ARGV
    or wrong('usage: run.pl [--rounds N] [--threads LIST] [--batches LIST] [--clips LIST] [--repeat N] [--live S] [--sound S]');
my @threads = split /,/, $threads;
my @batches = split /,/, $batches;
my @sizes = split /,/, $sizes;

my $build = abs_path($ENV{BUILD} || 'build');
my $net = 'pipelines/nets/attention.net';
# The networks that are timed, with the rows and frames of their input, and the one whose turn it is.
my %input = (attention => [40, 174], best => [64, 140]);
our $of = 'attention';
my $temp = tempdir('ser-bench-XXXXXX', TMPDIR => 1, CLEANUP => 1);
$SIG{$_} = sub { exit 1 } for qw(HUP INT TERM); # and the folder goes
my (@left_out, @versions, @clips, @notes);

# Set for some processors, they slow NumPy, and with it a peer.
delete @ENV{qw(OPENBLAS_CORETYPE OPENBLAS_L2_SIZE)};

# ---- who takes part, and in what ----

# Ours, and another build of ours.
my @builds = ([ser => $build]);
if ($ENV{BEFORE}) {
    -x "$ENV{BEFORE}/bench/nn" or wrong("run.pl: BEFORE: $ENV{BEFORE}/bench/nn is no program");
    push @builds, [before => abs_path($ENV{BEFORE})];
}

# Who has a network, and the command for so many threads that answers what nn.c does. One more peer is
# one more entry here, and its class in peer.py.
my @peer = ([split ' ', $ENV{PYTHON} || 'python3'], [split ' ', $ENV{KERAS} || '']);
my ($python, $keras) = map { @$_ ? [@$_, 'tests/bench/peer.py'] : [] } @peer;
my @networks = (
    (map { my ($name, $dir) = @$_; [$name, sub { ours($dir) }] } @builds),
    ['PyTorch', sub { @$python, 'torch', @_, $of }],
    ['PyTorch compiled', sub { @$python, 'compiled', @_, $of }],
    ['Keras', sub { @$keras ? (@$keras, 'keras', @_) : () }],
);
sub ours {
    my ($dir) = @_;
    return "$dir/bench/nn", "pipelines/nets/$of.net", $of eq 'attention' ? () : @{$input{$of}};
}

# Who has a pretrained encoder, by the engine of encoder_peer.py.
my @engines = ([CTranslate2 => 'ctranslate2'], ['ONNX Runtime' => 'onnxruntime'], [PyTorch => 'torch']);
my @encoders = (
    {name => 'Whisper', kind => 'whisper', seconds => [4, 30], some => 4},
    {name => 'HuBERT', kind => 'hubert', seconds => [4, 10]},
);

my @groups = (
    [train => \&training],
    [infer => \&inference],
    [latency => \&latency],
    [best => \&best],
    [mfcc => \&mfcc],
    [pitch => \&pitch],
    [corpora => \&corpora],
    [process => \&mfcc_process],
    [answer => \&file_to_answer],
    [live => \&live],
    [encoder => \&encoders],
);
my %known = map { $_->[0] => 1 } @groups;
my %wanted = map { $_ => 1 } split ' ', $ENV{ONLY} || join ' ', keys %known;
for my $name (sort keys %wanted) {
    $known{$name} or wrong("run.pl: ONLY: $name is none of @{[map { $_->[0] } @groups]}");
}

# ---- programs that answer ----

sub leave_out {
    my ($line) = @_;
    push @left_out, $line unless grep { $_ eq $line } @left_out;
    return;
}

sub start {
    my (@command) = @_;
    my %s = (name => "@command");
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

# A peer's first line is its version, or why there is none.
sub start_peer {
    my ($name, @command) = @_;
    @command or return leave_out("$name: \U$name\E is not given");
    my $s = start(@command);
    my $line = $s && readline $s->{out};
    defined $line or return leave_out("$name: $command[0] does not start it");
    chomp $line;
    return leave_out("$name: $line") if $line =~ s/^no: //;
    $s->{version} = $line;
    push @versions, $line unless grep { $_ eq $line } @versions;
    return $s;
}

my $launch = start("$build/bench/launch");
my $nn = start(ours($build));
my %parameters = ($of => ask($nn, "check $temp/check.$of"));

# A peer's network must be ours: as many parameters, and with our values the same probabilities.
sub start_network {
    my ($name, @command) = @_;
    return start(@command) if grep { $_->[0] eq $name } @builds;
    my $s = start_peer($name, @command) or return;
    my ($has, $differs) = split ' ', ask($s, "check $temp/check.$of");
    return leave_out("$name: has $has parameters, not $parameters{$of}") if $has != $parameters{$of};
    return leave_out("$name: differs by $differs from our probabilities") unless $differs < 1e-5;
    return $s;
}

# librosa must be the librosa whose features ours equal, or it is no peer.
sub start_librosa {
    local @ENV{qw(OMP_NUM_THREADS OPENBLAS_NUM_THREADS)} = (1, 1);
    my $s = start_peer('librosa', @$python, 'librosa') or return;
    my $reference = $ENV{SER_REFERENCE};
    my $worst = 0;
    for my $known (map { glob "$_/*.mfcc.npy" } 'tests/golden/mfcc', $reference ? "$reference/mfcc" : ()) {
        $worst = max($worst, ask($s, 'check', $known =~ s/\.mfcc\.npy$/.wav/r, $known));
    }
    return $s if $worst < 1e-3;
    return leave_out("$s->{version}: differs by $worst from the reference features");
}

# Each is started when it is needed first. A peer is a process for each number of threads, since some
# cannot change theirs.
my %started;

sub network {
    my ($name, $command, $t) = @_;
    my @command = $command->($t);
    return $started{"$name @command"} //= [start_network($name, @command)];
}

sub librosa { return ($started{librosa} //= [start_librosa()])->[0] }

# ---- rounds and rows ----

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

# In columns for who looks on, and without their blanks for a file.
my $format = -t STDOUT ? "| %-52s | %-24s | %-36s | %-20s |\n" : "| %s | %s | %s | %s |\n";

sub row {
    printf $format, map { $_ // '' } @_[0 .. 3];
}

sub every { # every SUB LIST [LIST]: SUB of each round's number, or pair of numbers
    my ($sub, $x, $y) = @_;
    return map { $sub->($x->[$_], $y && $y->[$_]) } 0 .. $#$x;
}

my @before; # [WHAT, RATIO]: beside the other build

# compare WHAT, UNIT, OURS, PEER, THEIRS: lists of seconds; unit makes of them what is shown.
sub compare {
    my ($what, $unit, $ours, $peer, $theirs) = @_;
    my @ratio = $theirs ? every(sub { $_[1] / $_[0] }, $ours, $theirs) : ();
    push @before, [$what, median(@ratio)] if $theirs && $peer eq 'before';
    row($what, spread(every($unit, $ours)),
        $theirs ? ("$peer " . spread(every($unit, $theirs)), spread(@ratio)) : ());
}

# Tasks are [WHAT, UNIT, NAME => SUB...], ser first. Each sub is called once a round, then there is a
# row for each other name; none if WHAT is undefined. Returns for each task {NAME => [a number a round]}.
sub contest {
    my (@tasks) = @_;
    my @times;
    for my $round (0 .. $rounds) {
        for my $i (0 .. $#tasks) {
            my (undef, undef, @sides) = @{$tasks[$i]};
            my @turns = map { [@sides[2 * $_, 2 * $_ + 1]] } 0 .. $#sides / 2;
            for my $turn ($round % 2 ? reverse @turns : @turns) {
                my ($name, $sub) = @$turn;
                my $s = $sub->();
                push @{$times[$i]{$name}}, $s if $round;
            }
        }
    }
    for my $i (0 .. $#tasks) {
        my ($what, $unit, $ser, undef, @others) = @{$tasks[$i]};
        next unless defined $what;
        my @names = map { $others[2 * $_] } 0 .. @others / 2 - 1;
        compare($what, $unit, $times[$i]{$ser}, $_, $times[$i]{$_}) for @names;
        compare($what, $unit, $times[$i]{$ser}) unless @names;
    }
    return @times;
}

sub rate { my ($n) = @_; return sub { $n / $_[0] } }
sub ms { my ($n) = @_; return sub { 1e3 * $_[0] / $n } }
sub plural { my ($n, $what) = @_; return "$n $what" . ($n == 1 ? '' : 's') }

# NAME => SUB of all that have a network.
sub networks {
    my ($request, $t, @numbers) = @_;
    return map {
        my ($name, $command) = @$_;
        my ($s) = @{network($name, $command, $t)};
        $s ? ($name => sub { ask($s, "$request $t @numbers") }) : ();
    } grep { $of eq 'attention' || $_->[0] !~ /^(before|Keras)$/ } @networks;
}

# NAME => SUB of our builds; COMMAND makes a command of the build's folder and name.
sub builds {
    my ($times, $input, $command) = @_;
    return map {
        my ($name, $dir) = @$_;
        my @command = $command->($dir, $name);
        ($name => sub { launched($times, $input, @command) });
    } @builds;
}

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
    my ($path, $seconds, $hz) = @_;
    my $samples = int $seconds * $hz;
    my $data = pack 's<*', map { int rand(20000) - 10000 } 1 .. $samples;
    open my $f, '>:raw', $path or die "run.pl: $path: $!\n";
    print $f pack('a4Va4a4VvvVVvva4V', 'RIFF', 36 + 2 * $samples, 'WAVE', 'fmt ', 16, 1, 1, $hz,
        2 * $hz, 2, 16, 'data', 2 * $samples), $data;
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
        @found = map { make_clip("$temp/clip$_.wav", 3.7, 48000) } 1 .. min(8, $n);
        leave_out('recordings: clips are generated noise; RAVDESS=FOLDER takes real ones');
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

# Of which network a row is; the notebook's are not named.
sub named { my ($what) = @_; return $of eq 'attention' ? $what : "$of: $what" }

# The network that we recommend for training from scratch.
sub best {
    local $of = 'best';
    my $asked = start(ours($build));
    $parameters{$of} = ask($asked, "check $temp/check.$of");
    training($asked);
    inference();
    latency();
}

sub training {
    my $asked = $_[0] // $nn;
    my $gflop = ask($asked, 'gflop');
    my $peak = start("$build/bench/peak");
    my $isa = ask($peak, 'isa');
    for my $batch (@batches) {
        my $what = named("training, batch $batch, ");
        my @m = contest(
            (map { [$what . plural($_, 'thread') . ', samples/s', rate($batch),
                networks('train', $_, $batch, $repeat)] } @threads),
            map { my $t = $_; [undef, undef, peak => sub { ask($peak, "peak $t") }] } @threads);
        for my $i (0 .. $#threads) {
            my ($ours, $most) = ($m[$i]{ser}, $m[@threads + $i]{peak});
            my @done = every(sub { $batch * $gflop / $_[0] }, $ours);
            my @share = map { 100 * $done[$_] * 1e9 / $most->[$_] } 0 .. $#done;
            row($what . plural($threads[$i], 'thread') . ', plain GFLOP/s', spread(@done),
                "peak, $isa " . spread(every(sub { 1e-9 * $_[0] }, $most)), spread(@share) . ' % of peak');
        }
        compare($what . plural($threads[$_], 'thread') . ', samples/s', rate($batch), $m[$_]{ser},
            'ser, ' . plural($threads[0], 'thread'), $m[0]{ser}) for 1 .. $#threads;
        contest(map { my $numbers = "$_ $batch $repeat";
            [$what . plural($_, 'thread') . ', each sample varied and mixed, samples/s', rate($batch),
                ser => sub { ask($asked, "varied $numbers") }, 'ser, as they are' => sub { ask($asked, "train $numbers") }]
        } @threads);
    }
}

sub inference {
    for my $batch (@batches) {
        contest(map { [named("inference, batch $batch, ") . plural($_, 'thread') . ', samples/s', rate($batch),
            networks('infer', $_, $batch, $repeat)] } @threads);
    }
}

sub latency {
    contest(map { [named('latency of one sample, ') . plural($_, 'thread') . ', ms', ms(1),
        networks('infer', $_, 1, 10 * $repeat)] } @threads);
}

sub mfcc {
    my @some = @clips[0 .. min(240, scalar @clips) - 1];
    my $librosa = librosa();
    contest(['file to MFCC, 1 core, ms a file', ms(scalar @some),
        builds(1, '/dev/null', sub { "$_[0]/ser-mfcc", '-q', '--jobs', 1, @some }),
        $librosa ? (librosa => sub { @some * ask($librosa, 'mfcc', @some) }) : ()]);
}

sub pitch {
    my @some = @clips[0 .. min(240, scalar @clips) - 1];
    my $manifest = write_manifest("$temp/files.tsv", 'train', @some);
    my $librosa = librosa();
    contest(['file to pitch shift, 1 job, ms a file', ms(scalar @some),
        builds(1, '/dev/null', sub { "$_[0]/ser-augment", '-q', '--jobs', 1, '--pitch', '2:2', $manifest }),
        $librosa ? (librosa => sub { @some * ask($librosa, 'shift', 2, @some) }) : ()]);
}

# Features for training, and those of a few clips for validation, each build's own.
sub write_features {
    my ($file, @some) = @_;
    my $manifest = write_manifest("$temp/$file.tsv", $file eq 'val' ? 'val' : 'train', @some);
    for (@builds) {
        my ($name, $dir) = @$_;
        ask($launch, 1, '/dev/null', "$temp/$file.$name", "$dir/ser-mfcc", '-q', '-m', $manifest);
    }
    return $manifest;
}

sub train_command {
    my ($dir, $name, $t, $train) = @_;
    return ("$dir/ser-train", '-q', '--threads', $t, '--epochs', 1, '--net', $net,
        '--val', "$temp/val.$name", '-o', "$temp/model.$name", "$temp/$train.$name");
}

# Features and one epoch of training for corpora of several sizes.
sub corpora {
    my ($one, $all) = @threads[0, -1];
    my (@features, @training);
    write_features('val', @clips[0 .. 5]);
    for my $n (@sizes) {
        my $manifest = write_features($n, @clips[0 .. $n - 1]);
        my $command = sub { my ($t) = @_; return sub { "$_[0]/ser-mfcc", '-q', '--jobs', $t, '-m', $manifest } };
        push @features, ["process: ser-mfcc --jobs $all, $n clips, ms a clip", ms($n),
            builds(1, '/dev/null', $command->($all)), slower($all, $one, '--jobs', $command->($one))];
        $command = sub { my ($t) = @_; return sub { train_command(@_, $t, $n) } };
        push @training, ["process: ser-train --threads $all, $n clips, ms a clip", ms($n),
            builds(1, '/dev/null', $command->($all)), slower($all, $one, '--threads', $command->($one))];
    }
    contest(@features, @training);
}

# NAME => SUB of our build with the least threads or jobs, unless that is what it is beside.
sub slower {
    my ($all, $one, $option, $command) = @_;
    return () if $all == $one;
    my @command = $command->($build, 'ser');
    return ("ser, $option $one" => sub { launched(1, '/dev/null', @command) });
}

sub mfcc_process {
    my ($clip) = @clips;
    my @smile = split ' ', $ENV{SMILEXTRACT} || '';
    my $sptk = $ENV{SPTK};
    my $times = 2 * $repeat;
    my @sides = builds($times, '/dev/null', sub { "$_[0]/ser-mfcc", $clip });
    push @sides, SMILExtract => sub {
        launched($times, '/dev/null', @smile, '-I', $clip, '-O', "$temp/smile", '-l', 0);
    } if @smile;
    if ($sptk) {
        # Its converter to doubles takes longer than all the rest: that is done before.
        ask($launch, 1, $clip, "$temp/doubles", "$sptk/x2x", '+sd');
        my $pipe = 'frame -l 1200 -p 480 | window -l 1200 -L 2048 | mfcc -l 2048 -m 12 -s 48';
        push @sides, 'SPTK pipe' => sub {
            launched($times, "$temp/doubles", 'sh', '-c', "PATH='$sptk':\$PATH; $pipe");
        };
    }
    contest(['process: ser-mfcc FILE, ms', ms(1), @sides]);
    leave_out('openSMILE: SMILEXTRACT is not given') unless @smile;
    leave_out('SPTK: SPTK is not given') unless $sptk;
}

# A model of each build, $temp/model.NAME.
sub make_models {
    write_features($_, @clips[0 .. 5]) for qw(val answer);
    launched(1, '/dev/null', train_command($_->[1], $_->[0], $threads[0], 'answer')) for @builds;
}

sub file_to_answer {
    my ($clip) = @clips;
    make_models();
    my $line = sub { my ($dir, $name) = @_;
        return ('sh', '-c', "'$dir/ser-mfcc' | '$dir/ser-score' '$temp/model.$name'") };
    my @sides = builds(2 * $repeat, $clip, $line);
    my @commands = map { my ($name, $dir) = @$_; [$name, $line->($dir, $name)] } @builds;
    my ($torch) = map { @{network(@$_, $threads[0])} } grep { $_->[0] eq 'PyTorch' } @networks;
    if ($torch && librosa()) {
        launched(1, '/dev/null', @$python, 'save', "$temp/net");
        my @answer = (@$python, 'answer', "$temp/net");
        push @sides, Python => sub { launched(1, $clip, @answer) };
        push @commands, [Python => @answer];
    }
    contest(['processes: file to ser-mfcc to ser-score, ms', ms(1), @sides]);
    my ($ours, @theirs) = map { my ($name, @command) = @$_; [$name, memory_mb($clip, @command)] } @commands;
    my $what = 'memory of the largest of these processes, MB';
    row($what, figure($ours->[1]), "$_->[0] " . figure($_->[1]), figure($_->[1] / $ours->[1])) for @theirs;
    row($what, figure($ours->[1])) unless @theirs;
}

# ---- sound as it comes ----

my ($hz, $hop, $frames, $reach) = (22050, 512, 174, 1024); # of the features; the last frame reads so far ahead

# [NAME, samples that the first row needs, lines that are no rows, SUB of the hops from row to row and the rate of sound
# to the command]: who makes rows of sound as it comes. openSMILE has frames that begin, not end, on the grid, and no network.
sub listeners {
    my $first = $hop * ($frames - 1);
    my @all = map {
        my ($name, $dir) = @$_;
        [$name, $first + $reach, 1, sub { my ($hops, $rate) = @_;
            my $every = $hops * $hop / $hz;
            my $model = "$temp/model.$name";
            return ('sh', '-c', "'$dir/ser-mfcc' -q --like '$model' --every $every --raw s16le:$rate:1 | " .
                "'$dir/ser-score' -q --threads 1 '$model'") }];
    } @builds;
    my ($torch) = map { @{network(@$_, $threads[0])} } grep { $_->[0] eq 'PyTorch' } @networks;
    if ($torch && librosa()) {
        launched(1, '/dev/null', @$python, 'save', "$temp/net");
        push @all, ['librosa and PyTorch', $first, 0, sub { @$python, 'live', "$temp/net", @_ }];
    }
    my @smile = split ' ', $ENV{OPENSMILE} || '';
    @smile = (@smile, 'tests/bench/peer.py') if @smile;
    if (start_peer('openSMILE live', @smile ? (@smile, 'versions', 'opensmile') : ())) {
        push @all, ['openSMILE, no network', $first + 2 * $reach, 0, sub { @smile, 'smile', $_[0] }];
    }
    return @all;
}

# Rows of sound at its own pace: {NAME => {figure => [a number a round]}}.
sub at_pace {
    my ($hops, @listeners) = @_;
    my $live = start("$build/bench/live");
    my %times;
    for my $round (1 .. $rounds) {
        for my $l ($round % 2 ? @listeners : reverse @listeners) {
            my ($name, $first, $heads, $command) = @$l;
            my @known = split ' ', ask($live, $live_s, $hz, $first, $hops * $hop, $heads, "$temp/latencies",
                $command->($hops, $hz));
            push @{$times{$name}{$_}}, shift @known for qw(rows median p99 most cpu largest all);
            open my $f, '<', "$temp/latencies" or die "run.pl: $temp/latencies: $!\n";
            push @{$times{$name}{ms}}, <$f>;
        }
    }
    return %times;
}

sub distribution {
    my ($name, @ms) = @_;
    @ms = sort { $a <=> $b } @ms;
    my @at = map { sprintf '%g %% %s', $_, figure($ms[max(0, int(@ms * $_ / 100 + 0.999) - 1)]) } 10, 50, 90, 99, 99.9;
    push @notes, sprintf "sound to row, ms, %s, %d rows: least %s, %s, most %s\n", $name, scalar @ms,
        figure($ms[0]), join(', ', @at), figure($ms[-1]);
}

sub live {
    make_models();
    my @all = listeners();
    my ($ours, @theirs) = map { $_->[0] } @all;
    my %quarter = at_pace(11, @all);
    my %half = at_pace(22, @all);
    distribution($_, @{$quarter{$_}{ms}}) for $ours, @theirs;
    my $beside = sub {
        my ($what, $unit, $figure, %of) = @_;
        compare($what, $unit, $of{$ours}{$figure}, $_, $of{$_}{$figure}) for @theirs;
        compare($what, $unit, $of{$ours}{$figure}) unless @theirs;
    };
    my $same = sub { $_[0] };
    $beside->('sound to row, every 0.255 s, median, ms', $same, 'median', %quarter);
    $beside->('sound to row, every 0.255 s, 99th percentile, ms', $same, 'p99', %quarter);
    $beside->('rows every 0.511 s, of one core, %', sub { 100 * $_[0] }, 'cpu', %half);
    $beside->('rows every 0.511 s, memory of all processes, MB', sub { 1e-6 * $_[0] }, 'all', %half);
    at_once(grep { $_->[0] !~ /openSMILE/ } @all);
}

# Sound at 16 kHz as fast as it goes, an hour. A peer gets 20 seconds more than five, and what that takes longer counts
# as often as it has to.
sub at_once {
    my ($ours, @theirs) = @_;
    my $rate = 16000;
    my %seconds = (long => $sound_s, some => 25, few => 5);
    for my $file (keys %seconds) {
        my $second = pack 's<*', map { int rand(2000) - 1000 } 1 .. $rate;
        open my $f, '>:raw', "$temp/$file" or die "run.pl: $temp/$file: $!\n";
        print $f $second for 1 .. $seconds{$file};
        close $f or die "run.pl: $temp/$file: $!\n";
    }
    my $timed = sub { my ($file, $l) = @_; return launched(1, "$temp/$file", $l->[3]->(22, $rate)) };
    my $part = sub { my ($l) = @_; return $sound_s / 20 * ($timed->('some', $l) - $timed->('few', $l)) };
    contest(["$sound_s s of 16 kHz sound, rows every 0.511 s, s", sub { $_[0] },
        $ours->[0] => sub { $timed->('long', $ours) },
        map { my $l = $_; ($l->[0] => sub { $l->[0] eq 'before' ? $timed->('long', $l) : $part->($l) }) } @theirs]);
    row('memory of the largest of these processes, MB', figure(memory_mb("$temp/long", $ours->[3]->(22, $rate))));
}

# Our encoder, and another build's if it has one.
sub encoder_builds {
    my ($e) = @_;
    return grep { -x "$_->[1]/bench/encoder" } @builds;
}

# The engines that hold the same network: their last hidden state is ours within 1e-4 of its largest value.
sub prepare_engines {
    my ($e, $ours) = @_;
    my @found;
    ask($ours, "check 4 $temp/check");
    for (@engines) {
        my ($name, $engine) = @$_;
        my $file = "$temp/$e->{kind}.$engine";
        my @command = @{$peer[0]};
        push @command, 'tests/bench/encoder_peer.py';
        my $s = start_peer("$name, $e->{name}", @command, 'prepare', $engine, $e->{folder}, $file) or next;
        my $checks = start(@command, 'serve', $engine, $file, $threads[0]);
        readline $checks->{out};
        my ($differs, $most) = split ' ', ask($checks, "check $temp/check");
        close $checks->{in};
        if ($differs < 1e-4 * $most) {
            push @found, [$name, [@command, 'serve', $engine, $file], [@command, 'start', $engine, $file]];
        } else {
            leave_out("$name, $e->{name}: differs by $differs from our last hidden state");
        }
    }
    return @found;
}

# NAME => SUB of the engines.
sub engines {
    my ($seconds, $t, $steps, @found) = @_;
    return map {
        my ($name, $command) = @$_;
        my $s = $started{"@$command $t"} //= start(@$command, $t);
        readline $s->{out} unless $s->{ready}++;
        ($name => sub { ask($s, "hear $seconds $steps") });
    } @found;
}

sub encoder {
    my ($e) = @_;
    my %ours = map { $_->[0] => start("$_->[1]/bench/encoder", $e->{folder}) } encoder_builds($e);
    my $layers = ask($ours{ser}, 'layers');
    my @found = prepare_engines($e, $ours{ser});
    my $peak = start("$build/bench/peak");
    my $hear = sub {
        my ($t, $seconds, $last) = @_;
        return map { my $s = $ours{$_->[0]};
            ($_->[0] => sub { ask($s, "hear $t $seconds $last $last $repeat") }) } encoder_builds($e);
    };
    for my $seconds (@{$e->{seconds}}) {
        for my $t (@threads) {
            my $what = "$e->{name}, $seconds s, " . plural($t, 'thread');
            my ($m, $p) = contest(
                ["$what, ms", ms(1), $hear->($t, $seconds, $layers), engines($seconds, $t, $repeat, @found)],
                [undef, undef, peak => sub { ask($peak, "peak $t") }]);
            my $gflop = ask($ours{ser}, "gflop $seconds $layers");
            my @done = every(sub { $gflop / $_[0] }, $m->{ser});
            row("$what, GFLOP/s", spread(@done), 'peak ' . spread(every(sub { 1e-9 * $_[0] }, $p->{peak})),
                spread(every(sub { 100e9 * $_[0] / $_[1] }, \@done, $p->{peak})) . ' % of peak');
            contest(["$what, $e->{some} of $layers layers, ms", ms(1), $hear->($t, $seconds, $e->{some})])
                if $e->{some} && $e->{some} < $layers;
        }
    }
    encoder_processes($e, @found);
}

# From the start of a process to the first embedding, and a corpus.
sub encoder_processes {
    my ($e, @found) = @_;
    my $clip = make_clip("$temp/clip4.wav", 4, 16000);
    my $all = $threads[-1];
    my $command = sub { my ($t, @some) = @_;
        return sub { "$_[0]/ser-embed", '-q', '--pool', 'mean', '-j', $t, $e->{folder}, @some } };
    contest(["process: start to the first embedding, $e->{name}, 4 s, " . plural($all, 'thread') . ', ms', ms(1),
        builds(3, '/dev/null', $command->($all, $clip)),
        ('ser, nothing kept' => sub { launched(3, '/dev/null', 'env', 'SER_CACHE=', $command->($all, $clip)->($build)) }),
        map { my ($name, undef, $start) = @$_;
            ("Python, $name" => sub { launched(1, '/dev/null', @$start, $all, 4) }) } @found]);
    my $long = make_clip("$temp/clip10.wav", 10, 16000);
    my $weights = -s "$e->{folder}/model.safetensors";
    my $used = memory_mb('/dev/null', $command->($all, $long)->($build));
    row("memory of ser-embed, $e->{name}, 10 s, MB", figure($used),
        $weights ? ('its file ' . figure($weights / 1e6), figure($used * 1e6 / $weights)) : ());
    return if $all == $threads[0];
    my @some = ($clip) x 24;
    contest(["process: ser-embed --jobs $all, $e->{name}, 24 clips of 4 s, ms a clip", ms(24),
        builds(1, '/dev/null', $command->($all, @some)),
        slower($all, $threads[0], '--jobs', $command->($threads[0], @some))]);
}

sub encoders {
    for my $e (@encoders) {
        my $variable = uc $e->{kind};
        $e->{folder} = $ENV{$variable} && abs_path($ENV{$variable});
        if ($e->{folder}) { encoder($e) }
        else { leave_out("$e->{name}: $variable=FOLDER names the encoder") }
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

# How our builds compare, in a line, and a line more for each row where ours is slower by a twentieth.
sub beside_before {
    my @by_ratio = sort { $a->[1] <=> $b->[1] } @before or return;
    my @under = grep { $_->[1] < 0.95 } @by_ratio;
    printf "%s beside before, %d under 95 %%; the least %.3f: %s\n", plural(scalar @before, 'row'),
        scalar @under, $by_ratio[0][1], $by_ratio[0][0];
    printf "under 95 %% of before: %.3f: %s\n", $_->[1], $_->[0] for @under;
}

$| = 1;
my ($version) = `'$build/ser-mfcc' --version` =~ /([0-9.]+)/;
chomp(my $cores = `nproc`);
@clips = find_clips(max(@sizes, 6));
row('attention network, 40 x 174, 6 classes; clips of 3.7 s', 'ser (least-most)', 'peer', 'ratio');
row('---', '---', '---', '---');
my @took;
for (grep { $wanted{$_->[0]} } @groups) {
    my ($name, $sub) = @$_;
    my $start = time;
    $sub->();
    push @took, "$name " . (time - $start) . ' s';
}
printf "\n%s, %s, Linux %s, %s\n", first_line('/proc/cpuinfo', qr/^model name\s*: (.*)/),
    plural($cores, 'core'), first_line('/proc/sys/kernel/osrelease', qr/^([0-9.]+)/),
    first_line('/etc/os-release', qr/^PRETTY_NAME="(.*)"/);
print join(', ', "ser $version with kernels " . ask($nn, 'kernels'), @versions), '; ',
    plural($rounds, 'round'), ': ', join(', ', @took), "\n";
print @notes;
beside_before();
print map { "left out: $_\n" } @left_out;
