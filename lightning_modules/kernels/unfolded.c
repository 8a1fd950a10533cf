/* Convolutions of any size and stride, as products of matrices. Behind products.c.

   Under every output pixel lie KERNEL x KERNEL x IN values, one row of a matrix: its columns are (ky, kx, in), and some
   zeros up to whole vectors. A few rows at a time are copied together, multiplied, and forgotten. */

enum { TAPS = KERNEL * KERNEL, USED = TAPS * IN, STRIP = KERNEL * IN };

/* How many columns there are where they are worked on by so many. */
#define COLUMNS(some) ((USED + (some)-1) / (some) * (some))

static int64_t after(int64_t side) { return (side - 1) / STRIDE + 1; }

/* Where the pixels under an output pixel begin, one way. */
static inline int64_t start(int64_t out) { return out * STRIDE - KERNEL / 2; }

static inline void copy(const void *from, int64_t count, real *to, int narrow)
{
    const int64_t whole = narrow ? 0 : count / LANES * LANES;
    for (int64_t i = 0; i < whole; i += LANES)
        *(vector *)(to + i) = *(const vector *)((const real *)from + i);
    for (int64_t i = whole; i < count; i++)
        to[i] = narrow ? ((const int8_t *)from)[i] : ((const real *)from)[i];
}

/* What lies under a row of the kernel from pixel x of an input row on, `from` being that pixel; zeros outside. */
static inline void unfold_strip(const void *from, int inside, int64_t x, int64_t W, real *to, int narrow)
{
    if (inside && x >= 0 && x + KERNEL <= W) {
        copy(from, STRIP, to, narrow);
        return;
    }
    for (int64_t k = 0; k < KERNEL; k++)
        if (inside && x + k >= 0 && x + k < W)
            copy(moved(from, k * IN, narrow), IN, to + k * IN, narrow);
        else
            for (int64_t i = 0; i < IN; i++)
                to[k * IN + i] = 0;
}

/* Rows of the matrix for output pixels from `first` on. */
static inline void
unfold(const extent *e, const void *images, int64_t first, int64_t some, int64_t columns, real *rows, int narrow)
{
    const int64_t H = e->height, W = e->width, high = after(H), wide = after(W);
    place at = place_of(first, high, wide);
    for (int64_t p = 0; p < some; p++, at = behind(at, high, wide), rows += columns) {
        const int64_t x = start(at.x);
        for (int64_t ky = 0; ky < KERNEL; ky++) {
            const int64_t y = start(at.y) + ky;
            const void *from = moved(images, ((at.image * H + y) * W + x) * IN, narrow);
            for (int64_t i = 0; i < STRIP; i += 64 / (int64_t)sizeof(real)) /* what the next row of pixels reads */
                __builtin_prefetch(moved(from, STRIDE * W * IN + i, narrow));
            unfold_strip(from, y >= 0 && y < H, x, W, rows + ky * STRIP, narrow);
        }
        for (int64_t i = USED; i < columns; i++)
            rows[i] = 0;
    }
}

/* Add rows of the matrix for output pixels from `first` on to the values that they came from. */
static void fold(const extent *e, const real *rows, int64_t first, int64_t some, int64_t columns, real *images)
{
    const int64_t H = e->height, W = e->width, high = after(H), wide = after(W);
    place at = place_of(first, high, wide);
    for (int64_t p = 0; p < some; p++, at = behind(at, high, wide), rows += columns) {
        const int64_t x = start(at.x), left = x < 0 ? 0 : x, count = (least(x + KERNEL, W) - left) * IN;
        for (int64_t ky = 0; ky < KERNEL; ky++) {
            const int64_t y = start(at.y) + ky;
            if (y < 0 || y >= H)
                continue;
            const real *from = rows + ky * STRIP + (left - x) * IN;
            real *to = images + ((at.image * H + y) * W + left) * IN;
#pragma omp simd
            for (int64_t i = 0; i < count; i++)
                to[i] += from[i];
        }
    }
}

/* Weights [OUT, IN, ky, kx] as a matrix [columns, OUT], or, `back`, [OUT, columns]. */
static void pack(const real *w, int64_t columns, real *packed, int back)
{
#pragma omp for schedule(static)
    for (int64_t column = 0; column < columns; column++)
        for (int64_t o = 0; o < OUT; o++)
            packed[back ? o * columns + column : column * OUT + o]
                = column < USED ? w[(o * IN + column % IN) * TAPS + column / IN] : 0;
}

/* The output [N, H', W', OUT] of x [N, H, W, IN] and weights [OUT, IN, ky, kx]. */
int unfolded_output(const extent *e, const real *x, const real *w, real *y)
{
    const int64_t columns = USED, pixels = e->images * after(e->height) * after(e->width);
    const int64_t shared = lines(columns * OUT), own = lines(CHUNK * (columns + OUT));
    real *packed = allocate(shared + e->threads * own);
    if (!packed)
        return 0;
#pragma omp parallel num_threads(e->threads)
    {
        real *rows = packed + shared + worker() * own, *out = rows + CHUNK * columns;
        pack(w, columns, packed, 0);
#pragma omp for schedule(static)
        for (int64_t first = 0; first < pixels; first += CHUNK) {
            const int64_t some = least(CHUNK, pixels - first);
            unfold(e, x, first, some, columns, rows, 0);
            multiply_all(rows, packed, some < CHUNK ? out : y + first * OUT, some, columns, OUT);
            if (some < CHUNK)
                memcpy(y + first * OUT, out, some * OUT * sizeof *out);
        }
    }
    free(packed);
    return 1;
}

/* The gradient of x [N, H, W, IN] from that of the output, [N, H', W', OUT]. */
int unfolded_inputs(const extent *e, const real *grad, const real *w, real *x)
{
    const int64_t columns = COLUMNS(PAIRED * LANES), size = e->height * e->width * IN;
    const int64_t pixels = after(e->height) * after(e->width);
    /* Images of a thread at a time: small ones alone would leave rows of a product empty. */
    const int64_t together = (4 * CHUNK + pixels - 1) / pixels;
    const int64_t shared = lines(columns * OUT), own = lines(CHUNK * (columns + OUT));
    real *packed = allocate(shared + e->threads * own);
    if (!packed)
        return 0;
#pragma omp parallel num_threads(e->threads)
    {
        real *rows = packed + shared + worker() * own, *in = rows + CHUNK * columns;
        pack(w, columns, packed, 1);
#pragma omp for schedule(static)
        for (int64_t n = 0; n < e->images; n += together) {
            const int64_t end = least(n + together, e->images);
            memset(x + n * size, 0, (end - n) * size * sizeof *x);
            for (int64_t first = n * pixels; first < end * pixels; first += CHUNK) {
                const int64_t some = least(CHUNK, end * pixels - first);
                const real *grads = grad + first * OUT;
                if (some < CHUNK)
                    memcpy(in, grads, some * OUT * sizeof *in);
                multiply_all(some < CHUNK ? in : grads, packed, rows, some, OUT, columns);
                fold(e, rows, first, some, columns, x);
            }
        }
    }
    free(packed);
    return 1;
}

/* The gradient of weights; x is `narrow` or not, as in winograd.c. */
static int weights_of_rows(const extent *e, const void *x, const real *grad, real *w, int narrow)
{
    const int64_t columns = COLUMNS(CHANNELS), pixels = e->images * after(e->height) * after(e->width);
    const int64_t block = (pixels + e->blocks - 1) / e->blocks;
    const int64_t shared = lines(e->blocks * columns * OUT), own = lines(CHUNK * columns);
    real *sums = allocate(shared + e->threads * own);
    if (!sums)
        return 0;
#pragma omp parallel num_threads(e->threads)
    {
        real *rows = sums + shared + worker() * own;
#pragma omp for schedule(static)
        for (int64_t b = 0; b < e->blocks; b++) {
            real *sum = sums + b * columns * OUT;
            memset(sum, 0, columns * OUT * sizeof *sum);
            const int64_t end = least((b + 1) * block, pixels);
            for (int64_t first = b * block; first < end; first += CHUNK) {
                const int64_t some = least(CHUNK, end - first);
                if (narrow)
                    unfold(e, x, first, some, columns, rows, 1);
                else
                    unfold(e, x, first, some, columns, rows, 0);
                accumulate_all(rows, grad + first * OUT, sum, some, columns, OUT);
            }
        }
        join_blocks(e, sums, columns * OUT);
#pragma omp for schedule(static)
        for (int64_t o = 0; o < OUT; o++)
            for (int64_t column = 0; column < USED; column++)
                w[(o * IN + column % IN) * TAPS + column / IN] = sums[column * OUT + o];
    }
    free(sums);
    return 1;
}

/* The gradient of weights [OUT, IN, ky, kx], from x [N, H, W, IN] and that of the output, [N, H', W', OUT]. */
int unfolded_weights(const extent *e, const real *x, const real *grad, real *w)
{
    return weights_of_rows(e, x, grad, w, 0);
}

int unfolded_weights_of_bytes(const extent *e, const int8_t *x, const real *grad, real *w)
{
    return weights_of_rows(e, x, grad, w, 1);
}
