"""The passes of `kernels.passes` in Triton, on activations `[T, M, C]`: steps, samples times pixels, channels.

A program has a tile of rows and channels and goes through time with it, membranes in registers. Sums over rows leave a
program as one row each, to be added up by whoever called, so that the order of addition is always the same.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def moments(y, centre, first, second, rows, channels, ROWS: tl.constexpr, COLS: tl.constexpr, TILES: tl.constexpr):  # noqa: N803
    """Sums of y - centre and of its square over the rows of `TILES` tiles, `[T, programs, C]`."""
    chunk, block, t = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    column = block * COLS + tl.arange(0, COLS)
    inside = column < channels
    middle = tl.load(centre + column, mask=inside, other=0.0)
    one = tl.zeros((ROWS, COLS), centre.dtype.element_ty)
    two = tl.zeros((ROWS, COLS), centre.dtype.element_ty)
    for tile in range(TILES):
        row = (chunk * TILES + tile) * ROWS + tl.arange(0, ROWS)
        here = (row < rows)[:, None] & inside[None, :]
        at = (t * rows + row[:, None]) * channels + column[None, :]
        away = tl.load(y + at, mask=here, other=0.0).to(one.dtype) - middle[None, :]
        away = tl.where(here, away, 0.0)
        one += away
        two += away * away
    to = (t * tl.num_programs(0) + chunk) * channels + column
    tl.store(first + to, tl.sum(one, 0), mask=inside)
    tl.store(second + to, tl.sum(two, 0), mask=inside)


@triton.jit
def fire(
    y, scale, shift, added, onto, out,
    membrane_in, adaptation_in, membrane_out, adaptation_out,
    leak_at, gain_at, threshold_at, rectified_at, beta_at, rho_at,
    rows, channels,
    STEPS: tl.constexpr, AFFINE: tl.constexpr, SHARED: tl.constexpr, ADDED: tl.constexpr, ONTO: tl.constexpr,  # noqa: N803
    STATE: tl.constexpr,  # noqa: N803
    RESET: tl.constexpr, ON_THRESHOLD: tl.constexpr, GAINS: tl.constexpr, RECTIFIES: tl.constexpr,  # noqa: N803
    ADAPTS: tl.constexpr,  # noqa: N803
    ROWS: tl.constexpr, COLS: tl.constexpr,  # noqa: N803
):  # fmt: skip
    """`Loops.fire` of one tile."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLS + tl.arange(0, COLS)
    inside = column < channels
    here = (row < rows)[:, None] & inside[None, :]
    at = row.to(tl.int64)[:, None] * channels + column[None, :]
    step = rows.to(tl.int64) * channels
    leak, gain, theta = tl.load(leak_at), tl.load(gain_at), tl.load(threshold_at)
    k, beta, rho = tl.load(rectified_at), tl.load(beta_at), tl.load(rho_at)
    membrane = tl.zeros((ROWS, COLS), leak_at.dtype.element_ty)
    adaptation = tl.zeros((ROWS, COLS), leak_at.dtype.element_ty)
    if STATE:
        membrane = tl.load(membrane_in + at, mask=here, other=0.0)
        if ADAPTS:
            adaptation = tl.load(adaptation_in + at, mask=here, other=0.0)
    for t in tl.static_range(STEPS):
        current = _current(y, scale, shift, added, at, t, step, here, column, inside, channels, membrane.dtype,
                           AFFINE, SHARED, ADDED)  # fmt: skip
        _raw, _v, _threshold, s, membrane, adaptation = _step(
            current, membrane, adaptation, leak, gain, theta, k, beta, rho,
            RESET, ON_THRESHOLD, GAINS, RECTIFIES, ADAPTS,
        )  # fmt: skip
        if ONTO:
            s += tl.load(onto + t * step + at, mask=here, other=0.0).to(s.dtype)
        tl.store(out + t * step + at, s.to(out.dtype.element_ty), mask=here)
    if STATE:
        tl.store(membrane_out + at, membrane, mask=here)
        if ADAPTS:
            tl.store(adaptation_out + at, adaptation, mask=here)


@triton.jit
def differentiate(
    y, scale, shift, mean, added, grad, out,
    plain, away, leak_sum, gain_sum, rectified_sum,
    membrane_in, adaptation_in, membrane_back, adaptation_back, membrane_out, adaptation_out,
    leak_at, gain_at, threshold_at, rectified_at, beta_at, rho_at,
    rows, channels,
    STEPS: tl.constexpr, AFFINE: tl.constexpr, SHARED: tl.constexpr, ADDED: tl.constexpr, STATE: tl.constexpr,  # noqa: N803
    RESET: tl.constexpr, ON_THRESHOLD: tl.constexpr, GAINS: tl.constexpr, RECTIFIES: tl.constexpr,  # noqa: N803
    ADAPTS: tl.constexpr, LEARNS: tl.constexpr, DETACHED: tl.constexpr, SCALED: tl.constexpr,  # noqa: N803
    SURROGATE: tl.constexpr, FIRST: tl.constexpr, SECOND: tl.constexpr,  # noqa: N803
    ROWS: tl.constexpr, COLS: tl.constexpr,  # noqa: N803
):  # fmt: skip
    """`Loops.differentiate` of one tile; its sums over rows are row `program_id(0)` of `[T, programs, C]`."""
    tile, tiles = tl.program_id(0), tl.num_programs(0)
    row = tile * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLS + tl.arange(0, COLS)
    inside = column < channels
    here = (row < rows)[:, None] & inside[None, :]
    at = row.to(tl.int64)[:, None] * channels + column[None, :]
    step = rows.to(tl.int64) * channels
    leak, gain, theta = tl.load(leak_at), tl.load(gain_at), tl.load(threshold_at)
    k, beta, rho = tl.load(rectified_at), tl.load(beta_at), tl.load(rho_at)
    rest = tl.zeros((ROWS, COLS), leak_at.dtype.element_ty)
    membrane, adaptation, back, raised_back = rest, rest, rest, rest
    if STATE:
        membrane = tl.load(membrane_in + at, mask=here, other=0.0)
        back = tl.load(membrane_back + at, mask=here, other=0.0)
        if ADAPTS:
            adaptation = tl.load(adaptation_in + at, mask=here, other=0.0)
            raised_back = tl.load(adaptation_back + at, mask=here, other=0.0)
    # What is not used on the way back is not kept: the loops are unrolled.
    before, currents, raws, membranes, thresholds, spikes = (), (), (), (), (), ()
    for t in tl.static_range(STEPS):
        before = before + (membrane,)  # noqa: RUF005 (Triton knows no stars)
        current = _current(y, scale, shift, added, at, t, step, here, column, inside, channels, rest.dtype,
                           AFFINE, SHARED, ADDED)  # fmt: skip
        raw, v, threshold, s, membrane, adaptation = _step(
            current, membrane, adaptation, leak, gain, theta, k, beta, rho,
            RESET, ON_THRESHOLD, GAINS, RECTIFIES, ADAPTS,
        )  # fmt: skip
        currents = currents + (current,)  # noqa: RUF005
        raws = raws + (raw,)  # noqa: RUF005
        membranes = membranes + (v,)  # noqa: RUF005
        thresholds = thresholds + (threshold,)  # noqa: RUF005
        spikes = spikes + (s,)  # noqa: RUF005
    total, of_leak, of_gain, of_rectified = rest, rest, rest, rest
    for behind in tl.static_range(STEPS):
        # A tuple is indexed by what is known when the loop is unrolled; `t` is not, once it has a name.
        t = STEPS - 1 - behind
        v, threshold, s = membranes[STEPS - 1 - behind], thresholds[STEPS - 1 - behind], spikes[STEPS - 1 - behind]
        g = tl.load(grad + t * step + at, mask=here, other=0.0).to(rest.dtype)
        u = v - threshold
        if SCALED:
            u = u / threshold
        slope = _derivative(u, SURROGATE, FIRST, SECOND)
        if SCALED:
            slope = slope / threshold
        if not DETACHED:
            if RESET == 1:
                g -= back * threshold
            elif RESET == 2:
                g -= back * v
        if ADAPTS:
            g += (1 - rho) * raised_back
        fired = slope * g
        if ADAPTS:
            raised = -fired * (v / threshold) if SCALED else -fired
            if RESET == 1:
                raised -= back * s
            raised_back = rho * raised_back + beta * raised
        dv = fired + (back * (1 - s) if RESET == 2 else back)
        if RECTIFIES:
            dv = tl.where(v <= 0, 0.0, dv)
            of_rectified += dv * raws[STEPS - 1 - behind]
            dv = dv * k
        if LEARNS:
            of_leak += dv * before[STEPS - 1 - behind]
            of_gain += dv * currents[STEPS - 1 - behind]
        back = dv * leak
        found = dv * gain if GAINS else dv
        at_sum = (t * tiles + tile).to(tl.int64) * channels + column
        middle = tl.load(mean + t * channels + column, mask=inside, other=0.0)
        value = tl.load(y + (0 if SHARED else t * step) + at, mask=here, other=0.0).to(rest.dtype)
        tl.store(plain + at_sum, tl.sum(found, 0), mask=inside)
        tl.store(away + at_sum, tl.sum(found * (value - middle[None, :]), 0), mask=inside)
        if SHARED:
            total += found * tl.load(scale + t * channels + column, mask=inside, other=0.0)[None, :]
        else:
            tl.store(out + t * step + at, found.to(out.dtype.element_ty), mask=here)
    if SHARED:
        tl.store(out + at, total.to(out.dtype.element_ty), mask=here)
    at_sum = tile.to(tl.int64) * channels + column
    if LEARNS:
        tl.store(leak_sum + at_sum, tl.sum(of_leak, 0), mask=inside)
        if GAINS:
            tl.store(gain_sum + at_sum, tl.sum(of_gain, 0), mask=inside)
    if RECTIFIES:
        tl.store(rectified_sum + at_sum, tl.sum(of_rectified, 0), mask=inside)
    if STATE:
        tl.store(membrane_out + at, back, mask=here)
        if ADAPTS:
            tl.store(adaptation_out + at, raised_back, mask=here)


@triton.jit
def finish(grad, y, mean, scale, level, slope, out, rows, channels, ROWS: tl.constexpr, COLS: tl.constexpr):  # noqa: N803
    """`Passes.finish` of one tile of one step."""
    t = tl.program_id(2).to(tl.int64)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLS + tl.arange(0, COLS)
    inside = column < channels
    here = (row < rows)[:, None] & inside[None, :]
    at = (t * rows + row[:, None]) * channels + column[None, :]
    of = t * channels + column
    middle = tl.load(mean + of, mask=inside, other=0.0)[None, :]
    value = tl.load(y + at, mask=here, other=0.0).to(middle.dtype) - middle
    found = tl.load(grad + at, mask=here, other=0.0).to(middle.dtype)
    found = found * tl.load(scale + of, mask=inside, other=0.0)[None, :]
    found += tl.load(level + of, mask=inside, other=0.0)[None, :]
    found += value * tl.load(slope + of, mask=inside, other=0.0)[None, :]
    tl.store(out + at, found.to(out.dtype.element_ty), mask=here)


@triton.jit
def _current(
    y, scale, shift, added, at, t, step, here, column, inside, channels, dtype: tl.constexpr,
    AFFINE: tl.constexpr, SHARED: tl.constexpr, ADDED: tl.constexpr,  # noqa: N803
):  # fmt: skip
    current = tl.load(y + (0 if SHARED else t * step) + at, mask=here, other=0.0).to(dtype)
    if AFFINE:
        current = current * tl.load(scale + t * channels + column, mask=inside, other=0.0)[None, :]
        current += tl.load(shift + t * channels + column, mask=inside, other=0.0)[None, :]
    if ADDED:
        current += tl.load(added + t * step + at, mask=here, other=0.0).to(dtype)
    return current


@triton.jit
def _step(
    current, membrane, adaptation, leak, gain, theta, k, beta, rho,
    RESET: tl.constexpr, ON_THRESHOLD: tl.constexpr, GAINS: tl.constexpr, RECTIFIES: tl.constexpr,  # noqa: N803
    ADAPTS: tl.constexpr,  # noqa: N803
):  # fmt: skip
    raw = leak * membrane + (current * gain if GAINS else current)
    v = raw
    if RECTIFIES:
        v = _not_negative(k * raw)
    threshold = theta
    if ADAPTS:
        threshold = theta + beta * adaptation
    s = (v >= threshold if ON_THRESHOLD else v > threshold).to(v.dtype)
    after = v
    if RESET == 1:
        after = v - threshold * s
    elif RESET == 2:
        after = v * (1 - s)
    if ADAPTS:
        adaptation = rho * adaptation + (1 - rho) * s
    return raw, v, threshold, s, after, adaptation


@triton.jit
def _not_negative(x):
    """x, or 0 if it is negative. What is not a number stays that, which a maximum on a GPU would make 0."""
    return tl.where(x < 0, 0.0, x)


@triton.jit
def _derivative(u, SURROGATE: tl.constexpr, FIRST: tl.constexpr, SECOND: tl.constexpr):  # noqa: N803
    if SURROGATE == "triangle":  # gamma, width
        return _not_negative(FIRST - tl.abs(u) * (FIRST / SECOND))
    if SURROGATE == "rectangle":  # a
        return (tl.abs(u) < FIRST).to(u.dtype) / (2 * FIRST)
    if SURROGATE == "atan":  # alpha, pi alpha / 2
        turned = u * SECOND
        return (FIRST / 2) / (1 + turned * turned)
    if SURROGATE == "sigmoid":  # alpha
        s = 1 / (1 + tl.exp(-u * FIRST))
        return FIRST * s * (1 - s)
    x = 1 + FIRST * tl.abs(u)  # fast_sigmoid: k
    return 1 / (x * x)
