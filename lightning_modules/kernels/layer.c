/* Normalise and fire on the CPU, forward and backward: one call each, a few passes over memory. Behind team.c.

   Activations are [T, M, C]: steps, samples times pixels, channels, as they lie in memory with channels last. A tile is
   a run of whole rows that fits the first two caches with all its steps; membranes of a tile never leave them. What
   belongs to a channel is repeated over a tile first, so that every inner loop is one plain loop that a compiler makes
   vectors of, whatever C. Sums leave a block of tiles as one row each, to be added up by whoever called: tiles and
   blocks depend on the shape alone, so that the order of addition does not depend on the number of threads.

   Compiled once for every form of neuron, see compiled.py, which sets these macros:
     REAL      type of membranes, statistics and sums: float or double
     BFLOAT16  whether activations are bfloat16; REAL otherwise
     FIRES     0 where the normalised input itself is the output: no neuron, and no more macros matter
     RESET     0 none, 1 subtract, 2 zero
     DETACHED, ON_THRESHOLD, SCALED, GAINS, LEARNS, RECTIFIES, ADAPTS   the flags of form.Form
     SURROGATE 0 triangle, 1 rectangle, 2 atan, 3 sigmoid, 4 fast_sigmoid */

#include <math.h>

#if BFLOAT16
typedef uint16_t stored;

static inline real get(stored half)
{
    uint32_t word = (uint32_t)half << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

/* To the nearest, ties to even; what is not a number stays none. */
static inline stored put(real value)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    uint32_t rounded = (word + 0x7fff + ((word >> 16) & 1)) >> 16;
    return value == value ? (stored)rounded : 0x7fc0;
}
#else
typedef real stored;
static inline real get(stored value) { return value; }
static inline stored put(real value) { return value; }
#endif

/* Where the tensors are, how they are cut, and who works on them. */
typedef struct {
    int64_t steps, size, channels; /* T, M C, C */
    int64_t tile, tiles;           /* values of a tile, tiles of a block */
    int64_t stride;                /* from one step of the input to the next; 0 where all steps share it */
    int64_t threads;
} extent;

/* A normalisation, see normalization.folded.Folded. Of gain, bias and constants, rows are C apart, or 0 if all steps
   share one. */
typedef struct {
    const real *gain, *bias;       /* bias may be missing */
    const real *mean, *var;        /* constants; missing where those of the batch are taken */
    int64_t gain_row, bias_row, constant_row;
    int64_t per_step, centred;
    double eps;
} folding;

/* The numbers of form.Constants, each where its tensor is, and those of the surrogate. */
typedef struct {
    const real *leak, *gain, *threshold, *rectified, *beta, *rho;
    double first, second;
} constants;

#define NUMBERS                                                                                                     \
    const real leak = n ? *n->leak : 0, gain = n ? *n->gain : 0, theta = n ? *n->threshold : 0;                     \
    const real k = n ? *n->rectified : 0, beta = n ? *n->beta : 0, rho = n ? *n->rho : 0;                           \
    (void)leak, (void)gain, (void)theta, (void)k, (void)beta, (void)rho;

static inline real derivative(real u, real first, real second)
{
#if SURROGATE == 0
    real bump = (real)fabs(u) * (-first / second) + first;
    return bump < 0 ? 0 : bump; /* what is not a number stays so, here and below, as with the library */
#elif SURROGATE == 1
    return (real)fabs(u) < first ? 1 / (2 * first) : 0;
#elif SURROGATE == 2
    real scaled = u * second;
    return first / 2 / (1 + scaled * scaled);
#elif SURROGATE == 3
    real s = 1 / (1 + (sizeof u == sizeof(float) ? (real)expf(-first * u) : (real)exp(-first * u)));
    return (1 - s) * s * first;
#else
    real root = 1 + first * (real)fabs(u);
    return 1 / (root * root);
#endif
}

/* Ask for values that are read, or written, soon: a tile is too short for the processor to see what comes after it. */
static inline void fetch(const stored *values, int64_t count)
{
    for (int64_t i = 0; i < count; i += 64 / sizeof(stored))
        __builtin_prefetch(values + i);
}

static inline void fetch_to_write(stored *values, int64_t count)
{
    for (int64_t i = 0; i < count; i += 64 / sizeof(stored))
        __builtin_prefetch(values + i, 1);
}

/* Repeat each row of C values over a tile. */
static void widen(real *wide, const real *rows, int64_t count, const extent *e)
{
    for (int64_t row = 0; row < count; row++)
        for (int64_t at = 0; at < e->tile; at += e->channels)
            memcpy(wide + row * e->tile + at, rows + row * e->channels, e->channels * sizeof(real));
}

/* The sum of a tile's rows, C values. */
static void fold(real *sum, const real *wide, const extent *e)
{
    memcpy(sum, wide, e->channels * sizeof(real));
    for (int64_t at = e->channels; at < e->tile; at += e->channels)
#pragma omp simd
        for (int64_t c = 0; c < e->channels; c++)
            sum[c] += wide[at + c];
}

/* How many steps the input has. */
static inline int64_t held(const extent *e) { return e->stride ? e->steps : 1; }

static int64_t blocks_of(const extent *e)
{
    int64_t block = e->tile * e->tiles;
    return (e->size + block - 1) / block;
}

/* What threads write to that is theirs alone: `size` values of each. */
typedef struct {
    real *values;
    int64_t size;
} desks;

static inline real *desk(desks all) { return all.values + worker() * all.size; }

/* Sums of y - centre and of its square, [T, blocks, C]. */
static void moments(const extent *e, desks own, const stored *y, const real *centre, real *first, real *second)
{
    const int64_t blocks = blocks_of(e), block = e->tile * e->tiles;
#pragma omp parallel num_threads(e->threads)
    {
        real *middle = desk(own), *one = middle + e->tile, *two = one + e->tile;
        widen(middle, centre, 1, e);
#pragma omp for schedule(static) collapse(2)
        for (int64_t t = 0; t < held(e); t++)
            for (int64_t b = 0; b < blocks; b++) {
                memset(one, 0, 2 * e->tile * sizeof(real));
                const int64_t end = least((b + 1) * block, e->size);
                for (int64_t start = b * block; start < end; start += e->tile) {
                    const stored *in = y + t * e->stride + start;
                    const int64_t count = least(e->tile, end - start);
#pragma omp simd
                    for (int64_t i = 0; i < count; i++) {
                        real away = get(in[i]) - middle[i];
                        one[i] += away;
                        two[i] += away * away;
                    }
                }
                fold(first + (t * blocks + b) * e->channels, one, e);
                fold(second + (t * blocks + b) * e->channels, two, e);
            }
    }
}

/* The current of one step of a tile: the input scaled, shifted and joined. */
static inline void currents(
    real *restrict current, const stored *restrict in, const real *restrict scale, const real *restrict shift,
    const stored *restrict added, int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        current[i] = get(in[i]) * scale[i] + shift[i];
    if (added)
#pragma omp simd
        for (int64_t i = 0; i < count; i++)
            current[i] += get(added[i]);
}

/* Spikes [T, M, C], on top of `onto` if given. Scale and shift are [T, C]. */
static void fire(
    const extent *e, desks own, const stored *y, const real *scale, const real *shift, const stored *added,
    const stored *onto, stored *out, const constants *n)
{
    NUMBERS
    const int64_t tile = e->tile, steps = e->steps;
#pragma omp parallel num_threads(e->threads)
    {
        real *scales = desk(own), *shifts = scales + steps * tile;
        real *restrict current = shifts + steps * tile, *restrict carried = current + tile;
        real *restrict adapted = carried + tile, *restrict spikes = adapted + tile;
        widen(scales, scale, steps, e);
        widen(shifts, shift, steps, e);
#pragma omp for schedule(static)
        for (int64_t start = 0; start < e->size; start += tile) {
            const int64_t count = least(tile, e->size - start);
            memset(carried, 0, 2 * tile * sizeof(real));
            for (int64_t t = 0; t < steps; t++) {
                const int64_t here = t * e->size + start;
                fetch(y + t * e->stride + start + tile, count);
                if (added)
                    fetch(added + here + tile, count);
                if (onto)
                    fetch(onto + here + tile, count);
                currents(current, y + t * e->stride + start, scales + t * tile, shifts + t * tile,
                         added ? added + here : 0, count);
#pragma omp simd
                for (int64_t i = 0; i < count; i++) {
                    if (!FIRES) {
                        spikes[i] = current[i];
                        continue;
                    }
                    real raw = leak * carried[i] + (GAINS ? current[i] * gain : current[i]);
                    real v = RECTIFIES ? (k * raw < 0 ? 0 : k * raw) : raw;
                    real threshold = ADAPTS ? theta + beta * adapted[i] : theta;
                    real s = (ON_THRESHOLD ? v >= threshold : v > threshold) ? 1 : 0;
                    carried[i] = RESET == 1 ? v - threshold * s : RESET == 2 ? v * (1 - s) : v;
                    if (ADAPTS)
                        adapted[i] = rho * adapted[i] + (1 - rho) * s;
                    spikes[i] = s;
                }
                stored *restrict to = out + here;
                fetch_to_write(to + tile, count);
                if (onto)
#pragma omp simd
                    for (int64_t i = 0; i < count; i++)
                        to[i] = put(get(onto[here + i]) + spikes[i]);
                else
#pragma omp simd
                    for (int64_t i = 0; i < count; i++)
                        to[i] = put(spikes[i]);
            }
        }
    }
}

/* The steps once more, and back through them.

   The derivation is that of kernels.scan.input_gradient; an adaptation moves the threshold, and with it the spike and
   the reset. `out` is the gradient of the normalised input, [T, M, C]; for a shared input the sum over time of scale
   times it, [1, M, C]. `plain` and `away` are its sums, as it is and with y - mean, [T, blocks, C]; `leaks`, `gains`
   and `ks` are gradients of what is learnt, to be summed, [blocks, C]. */
static void differentiate(
    const extent *e, desks own, const stored *y, const real *scale, const real *shift, const real *mean,
    const stored *added, const stored *grad, stored *out, real *plain, real *away, real *leaks, real *gains, real *ks,
    const constants *n)
{
    NUMBERS
    const real one = n ? n->first : 0, two = n ? n->second : 0;
    (void)one, (void)two;
    const int64_t tile = e->tile, steps = e->steps, all = steps * tile;
    const int64_t blocks = blocks_of(e), block = tile * e->tiles;
#pragma omp parallel num_threads(e->threads)
    {
        real *scales = desk(own), *shifts = scales + all, *means = shifts + all;
        real *vs = means + all, *befores = vs + all, *adapteds = befores + all, *drives = adapteds + all;
        real *plains = drives + all, *aways = plains + all;
        real *restrict back = aways + all, *restrict raised = back + tile, *restrict sum = raised + tile;
        real *restrict of_leak = sum + tile, *restrict of_gain = of_leak + tile, *restrict of_k = of_gain + tile;
        widen(scales, scale, steps, e);
        widen(shifts, shift, steps, e);
        widen(means, mean, steps, e);
#pragma omp for schedule(static)
        for (int64_t b = 0; b < blocks; b++) {
            const int64_t end = least((b + 1) * block, e->size);
            memset(plains, 0, 2 * all * sizeof(real));
            memset(of_leak, 0, 3 * tile * sizeof(real));
            for (int64_t start = b * block; start < end; start += tile) {
                const int64_t count = least(tile, end - start);
#pragma omp simd
                for (int64_t i = 0; i < count; i++)
                    befores[i] = adapteds[i] = 0;
                for (int64_t t = 0; t < steps && FIRES; t++) {
                    real *restrict current = drives + t * tile, *restrict v = vs + t * tile;
                    real *restrict before = befores + t * tile, *restrict adapted = adapteds + t * tile;
                    const int64_t next = t + 1 < steps ? tile : 0;
                    fetch(y + t * e->stride + start + tile, count);
                    if (added)
                        fetch(added + t * e->size + start + tile, count);
                    currents(current, y + t * e->stride + start, scales + t * tile, shifts + t * tile,
                             added ? added + t * e->size + start : 0, count);
#pragma omp simd
                    for (int64_t i = 0; i < count; i++) {
                        real raw = leak * before[i] + (GAINS ? current[i] * gain : current[i]);
                        real threshold = ADAPTS ? theta + beta * adapted[i] : theta;
                        v[i] = RECTIFIES ? (k * raw < 0 ? 0 : k * raw) : raw;
                        real s = (ON_THRESHOLD ? v[i] >= threshold : v[i] > threshold) ? 1 : 0;
                        if (next) {
                            before[i + tile] = RESET == 1 ? v[i] - threshold * s : RESET == 2 ? v[i] * (1 - s) : v[i];
                            if (ADAPTS)
                                adapted[i + tile] = rho * adapted[i] + (1 - rho) * s;
                        }
                    }
                }
                memset(back, 0, 3 * tile * sizeof(real));
                for (int64_t t = steps - 1; t >= 0; t--) {
                    const real *restrict current = drives + t * tile, *restrict vt = vs + t * tile;
                    const real *restrict before = befores + t * tile, *restrict adapted = adapteds + t * tile;
                    const real *restrict middle = means + t * tile, *restrict times = scales + t * tile;
                    const stored *restrict in = y + t * e->stride + start, *restrict g = grad + t * e->size + start;
                    real *restrict plain_t = plains + t * tile, *restrict away_t = aways + t * tile;
                    stored *restrict to = out + t * e->size + start;
                    fetch(g + tile, count);
                    if (e->stride)
                        fetch_to_write(to + tile, count);
#pragma omp simd
                    for (int64_t i = 0; i < count; i++) {
                        real d = get(g[i]);
                        if (FIRES) {
                            real v = vt[i], threshold = ADAPTS ? theta + beta * adapted[i] : theta;
                            real s = (ON_THRESHOLD ? v >= threshold : v > threshold) ? 1 : 0;
                            real slope = derivative(SCALED ? (v - threshold) / threshold : v - threshold, one, two);
                            if (SCALED)
                                slope /= threshold;
                            if (!DETACHED && RESET)
                                d -= back[i] * (RESET == 1 ? threshold : v);
                            if (ADAPTS)
                                d += (1 - rho) * raised[i];
                            real fired = slope * d;
                            real dv = fired + (RESET == 2 ? back[i] * (1 - s) : back[i]);
                            if (ADAPTS) {
                                real moved = SCALED ? -fired * (v / threshold) : -fired;
                                if (RESET == 1)
                                    moved -= back[i] * s;
                                raised[i] = beta * moved + rho * raised[i];
                            }
                            if (RECTIFIES) {
                                dv = v <= 0 ? 0 : dv;
                                of_k[i] += dv * (leak * before[i] + (GAINS ? current[i] * gain : current[i]));
                                dv *= k;
                            }
                            if (LEARNS)
                                of_leak[i] += dv * before[i];
                            if (LEARNS && GAINS)
                                of_gain[i] += dv * current[i];
                            back[i] = dv * leak;
                            d = GAINS ? dv * gain : dv;
                        }
                        plain_t[i] += d;
                        away_t[i] += d * (get(in[i]) - middle[i]);
                        if (e->stride)
                            to[i] = put(d);
                        else
                            sum[i] += d * times[i];
                    }
                }
                if (!e->stride)
#pragma omp simd
                    for (int64_t i = 0; i < count; i++)
                        out[start + i] = put(sum[i]);
            }
            for (int64_t t = 0; t < steps; t++) {
                fold(plain + (t * blocks + b) * e->channels, plains + t * tile, e);
                fold(away + (t * blocks + b) * e->channels, aways + t * tile, e);
            }
            if (LEARNS)
                fold(leaks + b * e->channels, of_leak, e);
            if (LEARNS && GAINS)
                fold(gains + b * e->channels, of_gain, e);
            if (RECTIFIES)
                fold(ks + b * e->channels, of_k, e);
        }
    }
}

/* Gradient of the input, scale grad + level + slope (y - mean) with [T, C] each; `out` may be `grad`. */
static void finish(
    const extent *e, desks own, const stored *grad, const stored *y, const real *mean, const real *scale,
    const real *level, const real *slope, stored *out)
{
    const int64_t tile = e->tile;
#pragma omp parallel num_threads(e->threads)
    {
        const int64_t steps = held(e);
        real *wide = desk(own);
        const real *rows[] = {mean, scale, level, slope};
        for (int each = 0; each < 4; each++)
            widen(wide + each * steps * tile, rows[each], steps, e);
#pragma omp for schedule(static) collapse(2)
        for (int64_t t = 0; t < steps; t++)
            for (int64_t start = 0; start < e->size; start += tile) {
                const real *restrict m = wide + t * tile, *restrict s = m + steps * tile;
                const real *restrict l = s + steps * tile, *restrict k = l + steps * tile;
                const stored *g = grad + t * e->size + start, *in = y + t * e->size + start;
                stored *to = out + t * e->size + start;
                const int64_t count = least(tile, e->size - start);
#pragma omp simd
                for (int64_t i = 0; i < count; i++)
                    to[i] = put(get(g[i]) * s[i] + l[i] + (get(in[i]) - m[i]) * k[i]);
            }
    }
}

/* The sum over blocks of [blocks, C], in double. */
static double total(const real *sums, int64_t blocks, int64_t channels)
{
    double sum = 0;
    for (int64_t b = 0; b < blocks; b++)
        sum += sums[b * channels];
    return sum;
}

/* How many values `statistics` adds up in. */
static int64_t sums_of(const extent *e, const folding *f)
{
    return f && !f->mean ? (2 * held(e) * blocks_of(e) + 1) * e->channels : 0;
}

/* Mean, 1/deviation and biased variance of every step, [T, C] each: constants, or those of the batch. */
static void statistics(
    const extent *e, desks own, const stored *y, const folding *f, real *sums, real *mean, real *rate, real *var)
{
    const int64_t channels = e->channels, steps = e->steps, blocks = blocks_of(e), some = held(e);
    real *first = sums, *second = first + some * blocks * channels, *centre = second + some * blocks * channels;
    if (!f->mean) {
        for (int64_t c = 0; c < channels; c++)
            centre[c] = f->centred ? get(y[c]) : 0;
        moments(e, own, y, centre, first, second);
    }
    for (int64_t c = 0; c < channels; c++)
        for (int64_t t = 0; t < steps; t++) {
            const int64_t at = t * channels + c;
            double middle, spread;
            if (f->mean) {
                middle = f->mean[t * f->constant_row + c];
                spread = f->var[t * f->constant_row + c];
            } else if (t && (!f->per_step || some == 1)) {
                mean[at] = mean[c];
                var[at] = var[c];
                rate[at] = rate[c];
                continue;
            } else {
                const int64_t from = f->per_step ? t : 0, to = f->per_step ? t + 1 : some;
                double one = 0, two = 0;
                for (int64_t each = from; each < to; each++) {
                    one += total(first + each * blocks * channels + c, blocks, channels);
                    two += total(second + each * blocks * channels + c, blocks, channels);
                }
                const double count = (double)(e->size / channels) * (double)(to - from);
                middle = one / count;
                spread = two / count;
                if (f->centred) {
                    spread -= middle * middle;
                    spread = spread < 0 ? 0 : spread;
                    middle += centre[c];
                } else
                    middle = 0;
            }
            mean[at] = (real)middle;
            var[at] = (real)spread;
            rate[at] = (real)(1 / sqrt(spread + f->eps));
        }
}

/* Spikes of what is normalised first, if `f` is given.

   `rows` receives mean, 1/deviation, scale, shift and variance, [5, T, C]: what the backward pass needs, and what
   running statistics are made of. Returns 0 if memory is missing, as `backward` does. */
int forward(
    const extent *e, const folding *f, const constants *n, const stored *y, const stored *added, const stored *onto,
    stored *out, real *rows)
{
    const int64_t each = e->steps * e->channels;
    const int64_t shared = lines(sums_of(e, f)), own = lines((2 * e->steps + 4) * e->tile);
    real *memory = allocate(shared + e->threads * own);
    if (!memory)
        return 0;
    const desks all = {memory + shared, own};
    real *mean = rows, *rate = rows + each, *scale = rate + each, *shift = scale + each, *var = shift + each;
    if (f)
        statistics(e, all, y, f, memory, mean, rate, var);
    for (int64_t at = 0; at < each; at++) {
        const int64_t t = at / e->channels, c = at % e->channels;
        if (!f)
            mean[at] = rate[at] = var[at] = 0;
        scale[at] = f ? f->gain[t * f->gain_row + c] * rate[at] : 1;
        shift[at] = f ? (f->bias ? f->bias[t * f->bias_row + c] : 0) - mean[at] * scale[at] : 0;
    }
    fire(e, all, y, scale, shift, added, onto, out, n);
    free(memory);
    return 1;
}

/* What does not depend on the pixel of a normalisation's gradient.

   With h = gain dz and x^ = rate (y - mean), the input's gradient is rate (h - mean(h) - x^ mean(h x^)); of these, the
   second and third term are `level + slope (y - mean)`, [T, C] each, [1, C] for a shared input. `plain` and `away` are
   sums of dz and of dz (y - mean). The gradients of gain and bias are added to what is there. */
static void small_gradients(
    const extent *e, const folding *f, const real *rate, const real *plain, const real *away, real *d_gain,
    real *d_bias, real *level, real *slope)
{
    const int64_t channels = e->channels, steps = e->steps, blocks = blocks_of(e);
    const double count = (double)(e->size / channels) * (double)(f->per_step ? 1 : steps);
    memset(level, 0, held(e) * channels * sizeof(real));
    memset(slope, 0, held(e) * channels * sizeof(real));
    for (int64_t c = 0; c < channels; c++) {
        double h = 0, hx = 0, gains = 0, biases = 0, levels = 0, slopes = 0;
        for (int64_t t = 0; t < steps; t++) {
            const double dz = total(plain + t * blocks * channels + c, blocks, channels), r = rate[t * channels + c];
            const double dx = total(away + t * blocks * channels + c, blocks, channels) * r;
            const double g = f->gain[t * f->gain_row + c];
            gains = f->gain_row ? dx : gains + dx;
            biases = f->bias_row ? dz : biases + dz;
            d_gain[t * f->gain_row + c] = (real)gains;
            if (d_bias)
                d_bias[t * f->bias_row + c] = (real)biases;
            if (f->mean)
                continue;
            h = f->per_step ? g * dz : h + g * dz;
            hx = f->per_step ? g * dx : hx + g * dx;
            if (f->per_step) {
                levels = (e->stride ? 0 : levels) - (f->centred ? r * h / count : 0);
                slopes = (e->stride ? 0 : slopes) - r * r * hx / count;
                level[e->stride ? t * channels + c : c] = (real)levels;
                slope[e->stride ? t * channels + c : c] = (real)slopes;
            }
        }
        if (f->mean || f->per_step)
            continue;
        const double r = rate[c], times = e->stride ? 1 : (double)steps;
        for (int64_t t = 0; t < held(e); t++) {
            level[t * channels + c] = (real)(f->centred ? -r * h / count * times : 0);
            slope[t * channels + c] = (real)(-r * r * hx / count * times);
        }
    }
}

/* All gradients from that of the spikes, `grad`.

   `current` receives that of the normalised input, which is also the gradient of what joined it; `dx` that of the input
   and may be `current`. `learnt` receives those of leak, gain and rectified, as far as they are learnt. */
int backward(
    const extent *e, const folding *f, const constants *n, const stored *y, const stored *added, const real *rows,
    const stored *grad, stored *current, stored *dx, real *d_gain, real *d_bias, real *learnt)
{
    const int64_t channels = e->channels, each = e->steps * channels, blocks = blocks_of(e);
    const real *mean = rows, *rate = rows + each, *scale = rate + each, *shift = scale + each;
    const int64_t shared = lines(2 * each * blocks + 3 * blocks * channels + 3 * each);
    const int64_t own = lines((9 * e->steps + 6) * e->tile);
    real *plain = allocate(shared + e->threads * own);
    if (!plain)
        return 0;
    const desks all = {plain + shared, own};
    real *away = plain + each * blocks, *leaks = away + each * blocks, *level = leaks + 3 * blocks * channels;
    real *slope = level + each, *ones = slope + each;
    memset(leaks, 0, 3 * blocks * channels * sizeof(real));
    differentiate(e, all, y, scale, shift, mean, added, grad, current, plain, away, leaks, leaks + blocks * channels,
                  leaks + 2 * blocks * channels, n);
    for (int which = 0; which < 3 && (LEARNS || RECTIFIES); which++) {
        double sum = 0;
        for (int64_t c = 0; c < channels; c++)
            sum += total(leaks + which * blocks * channels + c, blocks, channels);
        learnt[which] = (real)sum;
    }
    if (f) {
        small_gradients(e, f, rate, plain, away, d_gain, d_bias, level, slope);
        for (int64_t c = 0; c < channels; c++)
            ones[c] = 1; /* over time, a shared input was scaled when it was summed */
        finish(e, all, current, y, mean, e->stride ? scale : ones, level, slope, dx);
    }
    free(plain);
    return 1;
}
