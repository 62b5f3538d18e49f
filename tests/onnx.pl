#!/usr/bin/perl
# usage: perl onnx.pl list FILE.onnx
#        perl onnx.pl run FILE.onnx FEATURES.npy
# Reads an ONNX file strictly: protobuf's wire format, messages and fields that ser-export may use,
# sizes of tensors, names that are defined once and before they are used. list prints what the file
# holds, one thing a line. run computes the graph as ONNX's operators are defined (set 15), in double
# precision, and prints one row of probabilities a sample.
use strict;
use warnings;
use List::Util qw(max product);

# ---- protobuf ----

# Message => field number => name and kind: int, float, text, or a message; * is repeated.
my %schema = (
    Model => {
        1 => 'ir int', 2 => 'producer text', 3 => 'version text', 6 => 'doc text', 7 => 'graph Graph',
        8 => 'opset Opset', 14 => 'metadata* Entry'
    },
    Opset => {1 => 'domain text', 2 => 'version int'},
    Entry => {1 => 'key text', 2 => 'value text'},
    Graph => {
        1 => 'node* Node', 2 => 'name text', 5 => 'init* Tensor', 11 => 'input Value',
        12 => 'output Value'
    },
    Node => {1 => 'input* text', 2 => 'output text', 3 => 'name text', 4 => 'op text', 5 => 'attr* Attr'},
    Attr => {1 => 'name text', 2 => 'f float', 3 => 'i int', 4 => 's text', 8 => 'ints* int', 20 => 'type int'},
    Tensor => {1 => 'dim* int', 2 => 'type int', 8 => 'name text', 9 => 'raw text'},
    Value => {1 => 'name text', 2 => 'type Type'},
    Type => {1 => 'tensor TensorType'},
    TensorType => {1 => 'elem int', 2 => 'shape Shape'},
    Shape => {1 => 'dim* Dim'},
    Dim => {1 => 'value int', 2 => 'param text'},
);

sub varint {
    my ($bytes, $at) = @_;
    my ($v, $shift) = (0, 0);
    while (1) {
        die "cut varint\n" if $$at >= length $$bytes;
        my $c = ord substr $$bytes, $$at++, 1;
        $v |= ($c & 127) << $shift;
        $shift += 7;
        next if $c & 128;
        die "varint with a zero tail\n" if !$c && $shift > 7;
        return $v;
    }
}

sub take {
    my ($bytes, $at, $n) = @_;
    die "cut message\n" if $n > length($$bytes) - $$at;
    $$at += $n;
    return substr $$bytes, $$at - $n, $n;
}

sub decode {
    my ($type, $bytes) = @_;
    my ($at, %m) = (0);
    while ($at < length $bytes) {
        my $key = varint(\$bytes, \$at);
        my ($field, $wire) = ($key >> 3, $key & 7);
        my ($name, $kind) = split / /, $schema{$type}{$field} // die "$type has no field $field\n";
        my $want = $kind eq 'int' ? 0 : $kind eq 'float' ? 5 : 2;
        die "$type.$name: wire type $wire\n" if $wire != $want;
        my $v
            = $wire == 0 ? unpack 'q', pack 'Q', varint(\$bytes, \$at)
            : $wire == 5 ? unpack 'f<', take(\$bytes, \$at, 4)
            :              take(\$bytes, \$at, varint(\$bytes, \$at));
        $v = decode($kind, $v) if $schema{$kind};
        if ($name =~ s/\*$//) {
            push @{$m{$name}}, $v;
        } else {
            die "$type.$name twice\n" if exists $m{$name};
            $m{$name} = $v;
        }
    }
    return \%m;
}

# ---- the graph ----

my @attr_field = ('', 'f', 'i', 's', '', '', '', 'ints');

sub attrs { # of a node: name => value
    my ($node) = @_;
    my %a;
    for (@{$node->{attr}}) {
        my $field = $attr_field[$_->{type}] // '';
        die "$node->{name}: attribute $_->{name} is not of its type\n"
            if join(' ', sort keys %$_) ne join ' ', sort 'name', 'type', $field;
        $a{$_->{name}} = $_->{$field};
    }
    return \%a;
}

sub shape {
    return join ',', map { $_->{param} // $_->{value} } @{$_[0]{type}{tensor}{shape}{dim}};
}

sub read_model {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    my $model = decode('Model', do { local $/; <$file> });
    my $g = $model->{graph};
    my %known = ($g->{input}{name} => 1);
    for my $t (@{$g->{init}}) {
        my $size = {1 => 4, 7 => 8}->{$t->{type}} or die "$t->{name}: type $t->{type}\n";
        die "$t->{name}: its size is not that of its shape\n"
            if length $t->{raw} != $size * product 1, @{$t->{dim} // []};
        die "$t->{name}: twice\n" if $known{$t->{name}}++;
    }
    my %used;
    for my $n (@{$g->{node}}) {
        for (@{$n->{input}}) {
            die "$n->{name}: $_ is not known yet\n" if !$known{$_};
            $used{$_} = 1;
        }
        die "$n->{output}: twice\n" if $known{$n->{output}}++;
        attrs($n);
    }
    die "$g->{output}{name} is never computed\n" if !$known{$g->{output}{name}};
    for (keys %known) {
        die "$_ is never used\n" if !$used{$_} && $_ ne $g->{output}{name};
    }
    return $model;
}

sub list {
    my ($m) = @_;
    my $g = $m->{graph};
    print "ir $m->{ir} opset $m->{opset}{version} domain '$m->{opset}{domain}'\n";
    print "producer $m->{producer} $m->{version}\n";
    print "metadata $_->{key}=$_->{value}\n" for @{$m->{metadata}};
    print "$_ $g->{$_}{name} type $g->{$_}{type}{tensor}{elem} ", shape($g->{$_}), "\n" for 'input', 'output';
    print "tensor $_->{name} type $_->{type} ", join(',', @{$_->{dim} // []}), "\n" for @{$g->{init}};
    for my $n (@{$g->{node}}) {
        my $a = attrs($n);
        my @a = map { "$_=" . (ref $a->{$_} ? join ',', @{$a->{$_}} : $a->{$_}) } sort keys %$a;
        print join(' ', 'node', $n->{op}, $n->{output}, '<-', @{$n->{input}}, @a), "\n";
    }
}

# ---- operators: a tensor is [dims, elements]; each takes the node's attributes, then its inputs ----

sub tensor { # dims, then a function from an index to an element
    my ($dim, $f) = @_;
    return [$dim, [map { $f->($_) } 0 .. product(1, @$dim) - 1]];
}

sub transpose {
    my ($a, $x) = @_;
    my ($dim, $v, @perm) = (@$x, @{$a->{perm}});
    my @stride = (1) x @$dim;
    $stride[$_] = $stride[$_ + 1] * $dim->[$_ + 1] for reverse 0 .. $#$dim - 1;
    my @to = @$dim[@perm];
    return tensor(\@to, sub {
        my ($i, $from) = ($_[0], 0);
        for (reverse 0 .. $#to) {
            $from += ($i % $to[$_]) * $stride[$perm[$_]];
            $i = int($i / $to[$_]);
        }
        return $v->[$from];
    });
}

sub windows { # of H x W: for output place (h, w) the indices of a kh x kw window
    my ($W, $kh, $kw, $h, $w) = @_;
    return map { my $r = $_; map { ($h + $r) * $W + $w + $_ } 0 .. $kw - 1 } 0 .. $kh - 1;
}

sub conv {
    my (undef, $x, $w, $b) = @_;
    my ($N, $C, $H, $W) = @{$x->[0]};
    my ($F, $c, $kh, $kw) = @{$w->[0]};
    die "conv: $C channels, weights for $c\n" if $c != $C;
    my ($oh, $ow, $k) = ($H - $kh + 1, $W - $kw + 1, $C * $kh * $kw);
    my @y;
    for my $n (0 .. $N - 1) {
        for my $f (0 .. $F - 1) {
            for my $p (0 .. $oh * $ow - 1) {
                my @in = windows($W, $kh, $kw, int($p / $ow), $p % $ow);
                my ($sum, $at) = ($b->[1][$f], $f * $k);
                for my $ch (0 .. $C - 1) {
                    my $from = ($n * $C + $ch) * $H * $W;
                    $sum += $x->[1][$from + $_] * $w->[1][$at++] for @in;
                }
                push @y, $sum;
            }
        }
    }
    return [[$N, $F, $oh, $ow], \@y];
}

sub maxpool {
    my ($a, $x) = @_;
    my ($N, $C, $H, $W) = @{$x->[0]};
    my ($kh, $kw) = @{$a->{kernel_shape}};
    my ($sh, $sw) = @{$a->{strides}};
    my ($oh, $ow) = (int(($H - $kh) / $sh) + 1, int(($W - $kw) / $sw) + 1);
    return tensor([$N, $C, $oh, $ow], sub {
        my ($plane, $p) = (int($_[0] / ($oh * $ow)), $_[0] % ($oh * $ow));
        my @in = windows($W, $kh, $kw, int($p / $ow) * $sh, $p % $ow * $sw);
        return max map { $x->[1][$plane * $H * $W + $_] } @in;
    });
}

sub batchnorm {
    my ($a, $x, $gamma, $beta, $mean, $var) = @_;
    my (undef, $C, @rest) = @{$x->[0]};
    my $inner = product 1, @rest;
    return tensor($x->[0], sub {
        my $c = int($_[0] / $inner) % $C;
        return $gamma->[1][$c] * ($x->[1][$_[0]] - $mean->[1][$c]) / sqrt($var->[1][$c] + $a->{epsilon})
            + $beta->[1][$c];
    });
}

sub matmul { # [.., m, k] [.., k, n]
    my (undef, $x, $y) = @_;
    my ($m, $k) = @{$x->[0]}[-2, -1];
    my ($l, $n) = @{$y->[0]}[-2, -1];
    die "matmul: $k against $l\n" if $k != $l;
    return tensor([@{$x->[0]}[0 .. $#{$x->[0]} - 1], $n], sub {
        my ($row, $col) = (int($_[0] / $n), $_[0] % $n);
        my ($sum, $at) = (0, int($row / $m) * $k * $n + $col);
        $at = $col if @{$y->[0]} == 2;
        $sum += $x->[1][$row * $k + $_] * $y->[1][$at + $_ * $n] for 0 .. $k - 1;
        return $sum;
    });
}

sub gemm {
    my (undef, $x, $w, $b) = @_;
    my $y = matmul({}, $x, $w);
    my $n = $y->[0][1];
    return tensor($y->[0], sub { $y->[1][$_[0]] + $b->[1][$_[0] % $n] });
}

sub softmax {
    my ($a, $x) = @_;
    die "softmax over axis $a->{axis}\n" if $a->{axis} != -1;
    my $n = $x->[0][-1];
    my @y;
    for my $row (0 .. @{$x->[1]} / $n - 1) {
        my @v = @{$x->[1]}[$row * $n .. $row * $n + $n - 1];
        my ($top, $sum) = (max(@v), 0);
        $sum += $_ = exp($_ - $top) for @v;
        push @y, map { $_ / $sum } @v;
    }
    return [$x->[0], \@y];
}

sub sigmoid {
    return 1 / (1 + exp -$_[0]);
}

sub tanh {
    return 2 * sigmoid(2 * $_[0]) - 1;
}

# One direction of one sample over the steps @$steps: calls $put->(step, unit, h).
sub lstm_one {
    my ($U, $x, $w, $r, $b, $steps, $put) = @_;
    my @h = (0) x $U;
    my @c = @h;
    for my $t (@$steps) {
        my @in = $x->($t);
        my @z = map {
            my ($row, $sum) = ($_, $b->($_) + $b->(4 * $U + $_));
            $sum += $in[$_] * $w->($row * @in + $_) for 0 .. $#in;
            $sum += $h[$_] * $r->($row * $U + $_) for 0 .. $U - 1;
            $sum;
        } 0 .. 4 * $U - 1;
        for my $j (0 .. $U - 1) { # gates i, o, f, c
            my ($i, $o, $f) = map { sigmoid($z[$_ * $U + $j]) } 0 .. 2;
            $c[$j] = $f * $c[$j] + $i * tanh($z[3 * $U + $j]);
            $h[$j] = $o * tanh($c[$j]);
        }
        $put->($t, $_, $h[$_]) for 0 .. $U - 1;
    }
}

sub lstm {
    my ($a, $x, $w, $r, $b) = @_;
    my ($T, $N, $C) = @{$x->[0]};
    my ($D, $U) = ($a->{direction} eq 'bidirectional' ? 2 : 1, $a->{hidden_size});
    my @want = ([$D, 4 * $U, $C], [$D, 4 * $U, $U], [$D, 8 * $U]);
    "@{$_->[0]}" eq join ' ', @{shift @want} or die "lstm: weights of @{$_->[0]}\n" for $w, $r, $b;
    my @y;
    for my $d (0 .. $D - 1) {
        my @part = map {
            my ($v, $from) = ($_->[1], $d * @{$_->[1]} / $D);
            sub { $v->[$from + $_[0]] }
        } $w, $r, $b;
        for my $n (0 .. $N - 1) {
            my $in = sub { @{$x->[1]}[($_[0] * $N + $n) * $C .. ($_[0] * $N + $n + 1) * $C - 1] };
            lstm_one($U, $in, @part, [$d ? reverse 0 .. $T - 1 : 0 .. $T - 1],
                sub { $y[(($_[0] * $D + $d) * $N + $n) * $U + $_[1]] = $_[2] });
        }
    }
    return [[$T, $D, $N, $U], \@y];
}

sub broadcast { # y against the last dimensions of x; each of them is 1 in y, or the same
    my ($f, $x, $y) = @_;
    my ($dim, $v) = @$x;
    my @to = @{$y->[0]};
    die "@to against @$dim\n" if @to > @$dim;
    unshift @to, 1 while @to < @$dim;
    my ($step, @step) = (1);
    for my $i (reverse 0 .. $#to) {
        die "@{$y->[0]} against @$dim\n" if $to[$i] != 1 && $to[$i] != $dim->[$i];
        $step[$i] = $to[$i] == 1 ? 0 : $step;
        $step *= $to[$i];
    }
    my @out;
    for my $at (0 .. $#$v) {
        my ($rest, $k) = ($at, 0);
        for my $i (reverse 0 .. $#to) {
            $k += $rest % $dim->[$i] * $step[$i];
            $rest = int($rest / $dim->[$i]);
        }
        push @out, $f->($v->[$at], $y->[1][$k]);
    }
    return [$dim, \@out];
}

my %op = (
    Reshape => sub {
        my (undef, $x, $to) = @_;
        my @dim = map { $to->[1][$_] || $x->[0][$_] } 0 .. $#{$to->[1]};
        die "reshape: @{$x->[0]} to @dim\n" if product(@dim) != @{$x->[1]};
        return [\@dim, $x->[1]];
    },
    Transpose => \&transpose,
    Conv => \&conv,
    Relu => sub { [$_[1][0], [map { max 0, $_ } @{$_[1][1]}]] },
    MaxPool => \&maxpool,
    BatchNormalization => \&batchnorm,
    MatMul => \&matmul,
    Gemm => \&gemm,
    Softmax => \&softmax,
    LSTM => \&lstm,
    Sub => sub { broadcast(sub { $_[0] - $_[1] }, @_[1, 2]) },
    Div => sub { broadcast(sub { $_[0] / $_[1] }, @_[1, 2]) },
    ReduceMean => sub {
        my ($a, $x) = @_;
        my ($N, $T, $C) = @{$x->[0]};
        die "mean over axes @{$a->{axes}}\n" if "@{$a->{axes}} $a->{keepdims}" ne '1 0';
        return tensor([$N, $C], sub {
            my ($sum, $n, $c) = (0, int($_[0] / $C), $_[0] % $C);
            $sum += $x->[1][($n * $T + $_) * $C + $c] for 0 .. $T - 1;
            return $sum / $T;
        });
    },
    Gather => sub {
        my ($a, $x, $step) = @_;
        my ($N, $T, $C) = @{$x->[0]};
        die "gather along axis $a->{axis}, @{$step->[0]}\n" if $a->{axis} != 1 || @{$step->[0]};
        return tensor([$N, $C], sub { $x->[1][(int($_[0] / $C) * $T + $step->[1][0]) * $C + $_[0] % $C] });
    },
);

sub read_npy { # version 1, f32
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    my $all = do { local $/; <$file> };
    my $at = 10 + unpack 'v', substr $all, 8, 2;
    my ($shape) = substr($all, 0, $at) =~ /'<f4'.*\(([\d, ]+)\)/ or die "$path: no array of f32\n";
    return [[$shape =~ /\d+/g], [unpack 'f<*', substr $all, $at]];
}

sub run {
    my ($m, $x) = @_;
    my $g = $m->{graph};
    my $is = join ',', 'batch', @{$x->[0]}[1 .. $#{$x->[0]}];
    die "the graph wants ", shape($g->{input}), ", not $is\n" if shape($g->{input}) ne $is;
    my %value = ($g->{input}{name} => $x);
    $value{$_->{name}} = [$_->{dim} // [], [unpack $_->{type} == 1 ? 'f<*' : 'q<*', $_->{raw}]] for @{$g->{init}};
    for my $n (@{$g->{node}}) {
        my $f = $op{$n->{op}} or die "$n->{name}: no operator $n->{op}\n";
        $value{$n->{output}} = $f->(attrs($n), map { $value{$_} } @{$n->{input}});
    }
    my ($dim, $v) = @{$value{$g->{output}{name}}};
    my ($N, $K) = @$dim;
    die "the graph gives @$dim, not ", shape($g->{output}), "\n" if "batch,$K" ne shape($g->{output});
    print join("\t", map { sprintf '%.9g', $_ } @$v[$_ * $K .. $_ * $K + $K - 1]), "\n" for 0 .. $N - 1;
}

my ($command, $path, $features) = @ARGV;
die "usage: onnx.pl list FILE.onnx | run FILE.onnx FEATURES.npy\n"
    if !defined $path || ($command eq 'run') != defined $features;
my $model = read_model($path);
$command eq 'run' ? run($model, read_npy($features)) : list($model);
