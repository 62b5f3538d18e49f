#!/usr/bin/perl
# usage: perl onnx.pl list FILE.onnx
#        perl onnx.pl run FILE.onnx FEATURES.npy [FRAMES]
# Reads an ONNX file strictly: protobuf's wire format, messages and fields that ser-export may use,
# sizes of tensors, names that are defined once and before they are used. list prints what the file
# holds, one thing a line. run computes the graph as ONNX's operators are defined (set 15), in double
# precision, and prints one row of probabilities a sample. FRAMES has a number a line, for graphs with
# a second input.
use strict;
use warnings;
use List::Util qw(max product sum);

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
        1 => 'node* Node', 2 => 'name text', 5 => 'init* Tensor', 11 => 'input* Value',
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
    my %known = map { $_->{name} => 1 } @{$g->{input}};
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
    print "$_->[0] $_->[1]{name} type $_->[1]{type}{tensor}{elem} ", shape($_->[1]), "\n"
        for (map { ['input', $_] } @{$g->{input}}), ['output', $g->{output}];
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

# The last dimensions of an image or a sequence with channels second, and where the windows of a
# convolution or a pooling stand in it: a list of lists of indices (undef in the padding), and the
# sizes of the output.
sub windows {
    my ($a, $kernel, @size) = @_;
    my @k = @$kernel;
    my @stride = @{$a->{strides} // [(1) x @k]};
    my @pad = @{$a->{pads} // [(0) x (2 * @k)]};
    my @out = map { int(($size[$_] + $pad[$_] + $pad[$_ + @k] - $k[$_]) / $stride[$_]) + 1 } 0 .. $#k;
    my @windows;
    for my $place (0 .. product(@out) - 1) {
        my @window;
        for my $in (0 .. product(@k) - 1) {
            my ($p, $i, $at, $unit) = ($place, $in, 0, 1);
            for my $d (reverse 0 .. $#k) {
                my $x = $p % $out[$d] * $stride[$d] - $pad[$d] + $i % $k[$d];
                $at = undef if $x < 0 || $x >= $size[$d];
                $at += $x * $unit if defined $at;
                ($p, $i, $unit) = (int($p / $out[$d]), int($i / $k[$d]), $unit * $size[$d]);
            }
            push @window, $at;
        }
        push @windows, \@window;
    }
    return (\@windows, @out);
}

sub conv {
    my ($a, $x, $w, $b) = @_;
    my ($N, $C, @size) = @{$x->[0]};
    my ($F, $c, @k) = @{$w->[0]};
    my $groups = $a->{group} // 1;
    die "conv: $C channels in $groups groups, weights for $c\n" if $c * $groups != $C;
    my ($windows, @out) = windows($a, \@k, @size);
    my ($inner, $taps) = (product(@size), product(@k));
    my @y;
    for my $n (0 .. $N - 1) {
        for my $f (0 .. $F - 1) {
            my $first = int($f / ($F / $groups)) * $c;
            for my $window (@$windows) {
                my ($sum, $at) = ($b->[1][$f], $f * $c * $taps);
                for my $ch ($first .. $first + $c - 1) {
                    my $from = ($n * $C + $ch) * $inner;
                    for (@$window) {
                        $sum += $x->[1][$from + $_] * $w->[1][$at] if defined;
                        $at++;
                    }
                }
                push @y, $sum;
            }
        }
    }
    return [[$N, $F, @out], \@y];
}

sub pool { # with a function of a window's values
    my ($f, $a, $x) = @_;
    my ($N, $C, @size) = @{$x->[0]};
    my ($windows, @out) = windows($a, $a->{kernel_shape}, @size);
    my ($inner, $n) = (product(@size), scalar @$windows);
    return tensor([$N, $C, @out], sub {
        my ($plane, $window) = (int($_[0] / $n), $windows->[$_[0] % $n]);
        return $f->(map { $x->[1][$plane * $inner + $_] } @$window);
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

# One direction of one sample: gates z, r, h; the reset gate after the product.
sub gru_one {
    my ($U, $x, $w, $r, $b, $steps, $put) = @_;
    my @h = (0) x $U;
    for my $t (@$steps) {
        my @in = $x->($t);
        my (@a, @q);
        for my $row (0 .. 3 * $U - 1) {
            my ($a, $q) = ($b->($row), $b->(3 * $U + $row));
            $a += $in[$_] * $w->($row * @in + $_) for 0 .. $#in;
            $q += $h[$_] * $r->($row * $U + $_) for 0 .. $U - 1;
            push @a, $a;
            push @q, $q;
        }
        for my $j (0 .. $U - 1) {
            my ($z, $reset) = map { sigmoid($a[$_ * $U + $j] + $q[$_ * $U + $j]) } 0, 1;
            my $new = tanh($a[2 * $U + $j] + $reset * $q[2 * $U + $j]);
            $h[$j] = (1 - $z) * $new + $z * $h[$j];
        }
        $put->($t, $_, $h[$_]) for 0 .. $U - 1;
    }
}

# An LSTM or a GRU, by what one direction of it does and how many gates it has.
sub recurrent {
    my ($one, $gates, $a, $x, $w, $r, $b, $lengths) = @_;
    my ($T, $N, $C) = @{$x->[0]};
    my ($D, $U) = ($a->{direction} eq 'bidirectional' ? 2 : 1, $a->{hidden_size});
    my @want = ([$D, $gates * $U, $C], [$D, $gates * $U, $U], [$D, 2 * $gates * $U]);
    "@{$_->[0]}" eq join ' ', @{shift @want} or die "recurrent: weights of @{$_->[0]}\n" for $w, $r, $b;
    my @y = (0) x ($T * $D * $N * $U);
    for my $d (0 .. $D - 1) {
        my @part = map {
            my ($v, $from) = ($_->[1], $d * @{$_->[1]} / $D);
            sub { $v->[$from + $_[0]] }
        } $w, $r, $b;
        for my $n (0 .. $N - 1) {
            my $in = sub { @{$x->[1]}[($_[0] * $N + $n) * $C .. ($_[0] * $N + $n + 1) * $C - 1] };
            my $last = ($lengths ? $lengths->[1][$n] : $T) - 1;
            $one->($U, $in, @part, [$d ? reverse 0 .. $last : 0 .. $last],
                sub { $y[(($_[0] * $D + $d) * $N + $n) * $U + $_[1]] = $_[2] });
        }
    }
    return [[$T, $D, $N, $U], \@y];
}

# An element by element function of two tensors; a dimension of 1, or one that is missing in front,
# goes with any other, as in NumPy.
sub broadcast {
    my ($f, $x, $y) = @_;
    my $rank = max scalar @{$x->[0]}, scalar @{$y->[0]};
    my ($p, $q) = map { [(1) x ($rank - @{$_->[0]}), @{$_->[0]}] } $x, $y;
    my @dim = map { max $p->[$_], $q->[$_] } 0 .. $rank - 1;
    for my $d (0 .. $rank - 1) {
        die "@$p against @$q\n" if grep { $_->[$d] != 1 && $_->[$d] != $dim[$d] } $p, $q;
    }
    return tensor(\@dim, sub {
        my ($i, $unit_p, $unit_q, $at_p, $at_q) = ($_[0], 1, 1, 0, 0);
        for my $d (reverse 0 .. $rank - 1) {
            my $k = $i % $dim[$d];
            $at_p += $k % $p->[$d] * $unit_p;
            $at_q += $k % $q->[$d] * $unit_q;
            ($i, $unit_p, $unit_q) = (int($i / $dim[$d]), $unit_p * $p->[$d], $unit_q * $q->[$d]);
        }
        return $f->($x->[1][$at_p], $y->[1][$at_q]);
    });
}

sub each_of { # a function of each element
    my ($f, $x) = @_;
    return [$x->[0], [map { $f->($_) } @{$x->[1]}]];
}

sub erf { # its series, and 1 where that would not do
    my ($x) = @_;
    return $x < 0 ? -1 : 1 if abs $x > 4;
    my ($sum, $term) = (0, $x);
    for my $n (0 .. 80) {
        $sum += $term / (2 * $n + 1);
        $term *= -$x * $x / ($n + 1);
    }
    return 2 / sqrt(4 * atan2 1, 1) * $sum;
}

# Elements of a dimension: the indices @$which of axis $axis.
sub choose {
    my ($x, $axis, $which) = @_;
    my @dim = @{$x->[0]};
    my ($inner, $was) = (product(1, @dim[$axis + 1 .. $#dim]), $dim[$axis]);
    $dim[$axis] = my $now = @$which;
    return tensor(\@dim, sub {
        my ($outer, $k, $in) = (int($_[0] / ($now * $inner)), int($_[0] / $inner) % $now, $_[0] % $inner);
        return $x->[1][($outer * $was + $which->[$k]) * $inner + $in];
    });
}

sub slice {
    my (undef, $x, $starts, $ends, $axes, $steps) = @_;
    for my $i (0 .. $#{$axes->[1]}) {
        my $step = $steps ? $steps->[1][$i] : 1;
        my ($from, $to) = ($starts->[1][$i], $ends->[1][$i]);
        $x = choose($x, $axes->[1][$i], [map { $from + $_ * $step } 0 .. int(($to - $from - 1) / $step)]);
    }
    return $x;
}

sub concat {
    my ($a, $x, $y) = @_;
    my ($axis, @dim) = ($a->{axis}, @{$x->[0]});
    my ($p, $q) = map { product(@{$_->[0]}[$axis .. $#dim]) } $x, $y;
    $dim[$axis] += $y->[0][$axis];
    return tensor(\@dim, sub {
        my ($row, $col) = (int($_[0] / ($p + $q)), $_[0] % ($p + $q));
        return $col < $p ? $x->[1][$row * $p + $col] : $y->[1][$row * $q + $col - $p];
    });
}

sub reduce { # a sum over axes, times what the function makes of how many it adds up
    my ($f, $x, $keep, @axes) = @_;
    my @dim = @{$x->[0]};
    @axes = map { $_ < 0 ? $_ + @dim : $_ } @axes; # in ascending order
    die "sum over axes @axes\n" if "@axes" ne join ' ', $axes[0] .. $axes[0] + $#axes;
    my $n = product(@dim[@axes]);
    my $inner = product(1, @dim[$axes[-1] + 1 .. $#dim]);
    splice @dim, $axes[0], scalar @axes, $keep ? (1) x @axes : ();
    return tensor(\@dim, sub {
        my ($outer, $in) = (int($_[0] / $inner), $_[0] % $inner);
        return $f->($n) * sum(map { $x->[1][($outer * $n + $_) * $inner + $in] } 0 .. $n - 1);
    });
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
    MaxPool => sub { pool(sub { max @_ }, @_) },
    AveragePool => sub { pool(sub { sum(@_) / @_ }, @_) },
    BatchNormalization => \&batchnorm,
    MatMul => \&matmul,
    Gemm => \&gemm,
    Softmax => \&softmax,
    LSTM => sub { recurrent(\&lstm_one, 4, @_) },
    GRU => sub {
        die "the reset gate is before the product\n" if !$_[0]{linear_before_reset};
        recurrent(\&gru_one, 3, @_);
    },
    Add => sub { broadcast(sub { $_[0] + $_[1] }, @_[1, 2]) },
    Sub => sub { broadcast(sub { $_[0] - $_[1] }, @_[1, 2]) },
    Mul => sub { broadcast(sub { $_[0] * $_[1] }, @_[1, 2]) },
    Div => sub {
        my $whole = $_[2][2];
        broadcast(sub { $whole ? int($_[0] / $_[1]) : $_[0] / $_[1] }, @_[1, 2]);
    },
    Max => sub { broadcast(sub { $_[0] > $_[1] ? $_[0] : $_[1] }, @_[1, 2]) },
    Min => sub { broadcast(sub { $_[0] < $_[1] ? $_[0] : $_[1] }, @_[1, 2]) },
    Less => sub { broadcast(sub { $_[0] < $_[1] }, @_[1, 2]) },
    Equal => sub { broadcast(sub { $_[0] == $_[1] }, @_[1, 2]) },
    Where => sub { # a condition of the tensor's rank
        my (undef, $if, $x, $y) = @_;
        my $kept = broadcast(sub { $_[0] ? $_[1] : undef }, $if, $x);
        return broadcast(sub { $_[0] // $_[1] }, $kept, $y);
    },
    Range => sub { [[$_[2][1][0]], [map { $_ * $_[3][1][0] } $_[1][1][0] .. $_[2][1][0] - 1]] },
    Cast => sub { $_[0]{to} == 1 || $_[0]{to} == 6 ? $_[1] : die "cast to $_[0]{to}\n" },
    Identity => sub { $_[1] },
    Sqrt => sub { each_of(sub { sqrt $_[0] }, $_[1]) },
    Erf => sub { each_of(\&erf, $_[1]) },
    Tanh => sub { each_of(\&tanh, $_[1]) },
    Elu => sub { each_of(sub { $_[0] > 0 ? $_[0] : exp($_[0]) - 1 }, $_[1]) },
    LeakyRelu => sub { my $s = $_[0]{alpha}; each_of(sub { $_[0] > 0 ? $_[0] : $s * $_[0] }, $_[1]) },
    Slice => \&slice,
    Concat => \&concat,
    ReduceMean => sub { reduce(sub { 1 / $_[0] }, $_[1], $_[0]{keepdims}, @{$_[0]{axes}}) },
    ReduceSum => sub { reduce(sub { 1 }, $_[1], $_[0]{keepdims}, @{$_[2][1]}) },
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
    my ($m, $x, $frames) = @_;
    my $g = $m->{graph};
    my ($features, $more) = @{$g->{input}};
    my $is = join ',', 'batch', @{$x->[0]}[1 .. $#{$x->[0]}];
    die "the graph wants ", shape($features), ", not $is\n" if shape($features) ne $is;
    die "frames are wanted by one and not by the other\n" if !$more != !$frames;
    my %value = ($features->{name} => $x);
    $value{$more->{name}} = [[scalar @$frames], $frames] if $more;
    for (@{$g->{init}}) {
        my $whole = $_->{type} == 7; # of which a quotient is one, too
        $value{$_->{name}} = [$_->{dim} // [], [unpack $whole ? 'q<*' : 'f<*', $_->{raw}], $whole];
    }
    for my $n (@{$g->{node}}) {
        my $f = $op{$n->{op}} or die "$n->{name}: no operator $n->{op}\n";
        $value{$n->{output}} = $f->(attrs($n), map { $value{$_} } @{$n->{input}});
    }
    my ($dim, $v) = @{$value{$g->{output}{name}}};
    my ($N, $K) = @$dim;
    die "the graph gives @$dim, not ", shape($g->{output}), "\n" if "batch,$K" ne shape($g->{output});
    print join("\t", map { sprintf '%.9g', $_ } @$v[$_ * $K .. $_ * $K + $K - 1]), "\n" for 0 .. $N - 1;
}

sub read_lines {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    chomp(my @lines = <$file>);
    return \@lines;
}

my ($command, $path, $features, $frames) = @ARGV;
die "usage: onnx.pl list FILE.onnx | run FILE.onnx FEATURES.npy [FRAMES]\n"
    if !defined $path || ($command eq 'run') != defined $features;
my $model = read_model($path);
$command eq 'run' ? run($model, read_npy($features), $frames && read_lines($frames)) : list($model);
