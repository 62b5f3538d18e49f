"""noises - kinds of sound that are no speech, for tests/bench/speech: each a function of a number of samples at 16 kHz and a
generator of numbers. Levels are the caller's.
"""
import numpy as np

RATE = 16000


# ---- pieces ----

def band(n, rng, least_hz, most_hz, slope=0):
    """Noise of a range of frequencies, whose spectrum falls or rises with so many powers of the frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20)
    return np.fft.irfft(spectrum * hz**slope * (hz >= least_hz) * (hz <= most_hz), n)


def wander(n, rng, least, most):
    """A curve from 0 to 1 that turns so many times a second."""
    turns = int(n / RATE * rng.uniform(least, most)) + 4
    return np.interp(np.linspace(0, turns - 1, n), np.arange(turns), rng.random(turns))


def edges(n, rise_s, fall_s):
    t = np.arange(n) / RATE
    return np.minimum(1, t / rise_s) * np.minimum(1, (n / RATE - t) / fall_s).clip(0, 1)


def partials(phase, rng, count, fall, by=1):
    """A tone of harmonics 1, 1 + by, ..., up to count, each weaker."""
    x = np.zeros(len(phase))
    for k in range(1, count + 1, by):
        x += k**-fall * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
    return x


def scattered(n, rng, mean_s, least_s, make):
    """Sounds that make() gives, at random times, which may overlap."""
    x, at = np.zeros(n), 0
    while True:
        at += int((rng.exponential(mean_s) + least_s) * RATE)
        if at >= n:
            return x
        y = make()[: n - at]
        x[at: at + len(y)] += y * rng.uniform(0.4, 1)


def of_hz(hz):
    return 2 * np.pi * np.cumsum(hz) / RATE


# ---- kinds ----

def white(n, rng):
    return rng.standard_normal(n)


def pink(n, rng):
    """Power falls with frequency, from 20 Hz on."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20)
    return np.fft.irfft(spectrum / np.sqrt(hz), n)


def hum(n, rng):
    """The mains: 50 Hz, which wander by 0.1 Hz, and 30 harmonics whose strengths and phases are drawn."""
    t = np.arange(n) / RATE
    phase = 2 * np.pi * (50 * t + 0.1 * np.sin(2 * np.pi * 0.05 * t))
    x = np.zeros(n)
    for k in range(1, 31):
        x += rng.uniform(0.3, 1) / k * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
    return x


def tones(n, rng):
    """Two voices of notes from 110 to 880 Hz, 0.15 to 0.7 s each, with 12 harmonics that die away, as of plucked
    strings or of a piano, or that last, as of an organ."""
    x = np.zeros(n)
    for _ in range(2):
        at = 0
        while at < n:
            length = int(rng.uniform(0.15, 0.7) * RATE)
            hz = 110 * 2 ** (rng.integers(0, 37) / 12)
            t = np.arange(min(length, n - at)) / RATE
            decay, fall = rng.choice([0.0, 3.0, 8.0]), rng.uniform(0.8, 2)
            note = np.zeros(len(t))
            for k in range(1, 13):
                if k * hz < RATE / 2:
                    note += k**-fall * np.sin(2 * np.pi * k * hz * t + rng.uniform(0, 2 * np.pi)) * np.exp(-decay * t)
            edge = np.minimum(np.minimum(t / 0.01, 1), np.maximum((length / RATE - t) / 0.02, 0).clip(0, 1))
            x[at: at + len(t)] += note * edge * rng.uniform(0.5, 1)
            at += length
    return x


def clicks(n, rng):
    """Keys of a keyboard: about 7 a second, each a knock when it goes down and a weaker one when it comes up; a knock
    is noise through two resonances, gone within 20 ms."""
    x = np.zeros(n)
    at = 0.0
    while True:
        at += rng.exponential(1 / 7) * RATE + 0.03 * RATE
        for start, gain in ((at, 1.0), (at + rng.uniform(0.06, 0.12) * RATE, 0.4)):
            start = int(start)
            if start + 800 >= n:
                return x
            t = np.arange(800) / RATE
            knock = rng.standard_normal(800) * 0.5
            for hz in (rng.uniform(300, 1200), rng.uniform(1500, 5000)):
                knock += np.sin(2 * np.pi * hz * t + rng.uniform(0, 2 * np.pi))
            x[start: start + 800] += gain * rng.uniform(0.4, 1) * knock * np.exp(-t / rng.uniform(0.002, 0.006))


def coloured(n, rng):
    """Noise whose spectrum has a slope of -12 to 6 dB an octave, and whose level goes up and down slowly."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20)
    x = np.fft.irfft(spectrum * hz ** rng.uniform(-2, 1), n)
    t = np.arange(n) / RATE
    return x * 10 ** (0.3 * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * t))


def wind(n, rng):
    return band(n, rng, 20, 8000, -rng.uniform(0.8, 2)) * (0.1 + wander(n, rng, 0.3, 2) ** 2)


def fan(n, rng):
    """The tone of its blades, and the air."""
    tone = partials(of_hz(rng.uniform(60, 450) * (1 + 0.01 * wander(n, rng, 0.1, 0.5))), rng, rng.integers(2, 14), rng.uniform(0.3, 2))
    air = band(n, rng, 20, rng.uniform(1000, 8000), -rng.uniform(0, 1.2))
    return tone / tone.std() * rng.uniform(0.2, 2) + air / air.std()


def engine(n, rng):
    tone = partials(of_hz(30 + 170 * wander(n, rng, 0.2, 1.5)), rng, 25, rng.uniform(0.3, 1.2))
    air = band(n, rng, 20, 2000, -0.7)
    return tone / tone.std() + air / air.std() * rng.uniform(0.1, 1)


def organ(n, rng):
    """Chords of three notes that last."""
    x, at = np.zeros(n), 0
    while at < n:
        m = min(n - at, int(rng.uniform(0.4, 2.5) * RATE))
        root = 65 * 2 ** (rng.integers(0, 36) / 12)
        for steps in (0, rng.choice([3, 4]), 7):
            x[at: at + m] += partials(of_hz(np.full(m, root * 2 ** (steps / 12))), rng, 10, rng.uniform(0.5, 2)) * edges(m, 0.03, 0.05)
        at += m
    return x


def arpeggio(n, rng):
    """Saw teeth and square waves in a row, through a comb that moves (a flanger)."""
    x, at, step = np.zeros(n), 0, rng.uniform(0.08, 0.3)
    root, scale = 55 * 2 ** (rng.integers(0, 24) / 12), [0, 3, 5, 7, 10, 12, 15, 19]
    while at < n:
        m = min(n - at, int(step * RATE))
        hz = root * 2 ** (rng.choice(scale) / 12)
        x[at: at + m] = partials(of_hz(np.full(m, hz)), rng, min(24, int(7500 / hz)), 1, rng.integers(1, 3)) * edges(m, 0.005, 0.02)
        at += m
    late = np.arange(n) - 20 - 60 * wander(n, rng, 0.3, 2)
    return x + rng.uniform(0, 0.9) * np.interp(late, np.arange(n), x)


def beeps(n, rng):
    on, off = rng.uniform(0.05, 0.6), rng.uniform(0.05, 1)
    t = np.arange(n) / RATE
    gate = np.convolve(t % (on + off) < on, np.ones(80) / 80, "same")
    return partials(2 * np.pi * rng.uniform(400, 3000) * t, rng, rng.integers(1, 4), 1) * gate


def ring(n, rng):
    """A telephone: two tones in bursts, which may be beaten."""
    t = np.arange(n) / RATE
    beat = 1 + rng.uniform(0, 1) * np.sign(np.sin(2 * np.pi * rng.uniform(8, 25) * t))
    x = np.sin(2 * np.pi * rng.uniform(350, 480) * t) + np.sin(2 * np.pi * rng.uniform(440, 1400) * t)
    return x * beat * (t % 3 < rng.uniform(0.8, 2))


def siren(n, rng):
    t, turns = np.arange(n) / RATE, rng.uniform(0.2, 4)
    low = rng.uniform(350, 700)
    high = low * rng.uniform(1.5, 2.5)
    sweep = 0.5 + 0.5 * np.sin(2 * np.pi * turns * t) if rng.random() < 0.5 else t * turns % 1
    return partials(of_hz(low + (high - low) * sweep), rng, rng.integers(1, 8), rng.uniform(1, 2))


def birds(n, rng):
    def chirp():
        m = int(rng.uniform(0.03, 0.25) * RATE)
        trill = rng.uniform(0, 400) * np.sin(2 * np.pi * rng.uniform(10, 60) * np.arange(m) / RATE)
        return np.sin(of_hz(np.linspace(*rng.uniform(1500, 6500, 2), m) + trill)) * edges(m, 0.01, 0.02)
    return scattered(n, rng, 0.25, 0.02, chirp) + 1e-3 * band(n, rng, 20, 8000, -0.5)


def rain(n, rng):
    x = np.zeros(n)
    drops = int(n / RATE * rng.uniform(30, 400))
    x[rng.integers(0, n, drops)] = rng.exponential(1, drops)
    return np.convolve(x, rng.standard_normal(160) * np.exp(-np.arange(160) / rng.uniform(8, 40)), "same")


def knocks(n, rng):
    """Wood, steps, things put down."""
    def knock():
        t = np.arange(int(0.15 * RATE)) / RATE
        x = rng.standard_normal(len(t)) * np.exp(-t / 0.004)
        for _ in range(4):
            x += np.sin(2 * np.pi * rng.uniform(80, 900) * t + rng.uniform(0, 2 * np.pi)) * np.exp(-t / rng.uniform(0.008, 0.04))
        return x
    return scattered(n, rng, 0.4, 0.08, knock)


def rustle(n, rng):
    """Paper and cloth: bursts of noise of some range."""
    def burst():
        m, low = int(rng.uniform(0.03, 0.5) * RATE), rng.uniform(100, 2000)
        return band(m, rng, low, low * rng.uniform(2, 6)) * edges(m, rng.uniform(0.005, 0.1), rng.uniform(0.01, 0.1))
    return scattered(n, rng, 0.3, 0.02, burst)


def strings(n, rng):
    """Two bowed voices with vibrato, that slide from note to note."""
    x, t = np.zeros(n), np.arange(n) / RATE
    for _ in range(2):
        count = int(n / RATE / rng.uniform(0.3, 0.9)) + 3
        notes = np.log(110) + np.cumsum(rng.integers(-5, 6, count)).clip(-6, 30) * np.log(2) / 12
        pitch = np.pad(notes[np.minimum(np.arange(n) * count // n, count - 1)], 400, "edge")
        pitch = np.convolve(pitch, np.ones(800) / 800, "same")[400:-400]
        hz = np.exp(pitch) * (1 + 0.012 * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t))
        x += partials(of_hz(hz), rng, 14, rng.uniform(0.7, 1.4)) * (0.3 + wander(n, rng, 1, 4))
    return x


def drums(n, rng):
    def beat():
        t, kind = np.arange(int(0.3 * RATE)) / RATE, rng.integers(3)
        if kind == 0:
            return 2 * np.sin(of_hz(45 + 110 * np.exp(-t / 0.03))) * np.exp(-t / 0.1)
        if kind == 1:
            return (rng.standard_normal(len(t)) + np.sin(2 * np.pi * 190 * t)) * np.exp(-t / 0.06)
        return np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-t / rng.uniform(0.01, 0.06))
    x, step, at = np.zeros(n), rng.uniform(0.18, 0.4), 0
    while at < n:
        y = beat()[: n - at]
        x[at: at + len(y)] += y
        at += int(step * rng.choice([0.5, 1, 1]) * RATE)
    return x


def bells(n, rng):
    def bell():
        t, hz = np.arange(int(1.5 * RATE)) / RATE, rng.uniform(200, 1500)
        return sum(np.sin(2 * np.pi * hz * r * t + rng.uniform(0, 2 * np.pi)) * np.exp(-t * rng.uniform(1, 8) * r**0.5)
                   for r in (1, 2.01, 2.4, 3, 4.2, 5.4) if hz * r < 7800)
    return scattered(n, rng, 0.5, 0.1, bell)
