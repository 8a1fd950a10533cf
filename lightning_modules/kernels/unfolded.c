/* Convolutions of any size and stride, as products of matrices. Behind products.c.

   Under every output pixel lie kernel x kernel x in values, one row of a matrix: its columns are (ky, kx, in), and some
   zeros up to whole vectors. A few rows at a time are copied together, multiplied, and forgotten. */

/* How many columns there are. */
static int64_t columns_of(const extent *e)
{
    const int64_t step = PAIRED * LANES < CHANNELS ? CHANNELS : PAIRED * LANES;
    return (e->kernel * e->kernel * e->in + step - 1) / step * step;
}

static int64_t after(int64_t side, const extent *e) { return (side - 1) / e->stride + 1; }

/* The part of an input row under an output pixel: its first value, how many there are, and how many are missing before
   them. None if the row is outside. */
typedef struct {
    int64_t first, count, missing;
} strip;

static strip strip_of(const extent *e, int64_t oy, int64_t ox, int64_t ky)
{
    const int64_t y = oy * e->stride + ky - e->kernel / 2, x = ox * e->stride - e->kernel / 2;
    const int64_t left = x < 0 ? 0 : x, right = least(x + e->kernel, e->width);
    if (y < 0 || y >= e->height || left >= right)
        return (strip){0, 0, 0};
    return (strip){(y * e->width + left) * e->in, (right - left) * e->in, (left - x) * e->in};
}

/* Rows of the matrix for output pixels from `first` on. */
static inline void unfold(const extent *e, const void *x, int64_t first, int64_t some, real *rows, int narrow)
{
    const int64_t high = after(e->height, e), wide = after(e->width, e);
    const int64_t columns = columns_of(e), row = e->kernel * e->in;
    place at = place_of(first, high, wide);
    for (int64_t p = 0; p < some; p++, at = behind(at, high, wide)) {
        real *to = rows + p * columns;
        for (int64_t ky = 0; ky < e->kernel; ky++, to += row) {
            const strip s = strip_of(e, at.y, at.x, ky);
            const void *from = moved(x, at.image * e->height * e->width * e->in + s.first, narrow);
            for (int64_t i = 0; i < row && s.count < row; i++)
                to[i] = 0;
            for (int64_t i = 0; i < s.count; i += 64 / sizeof(real)) /* what the next row of pixels reads */
                __builtin_prefetch(moved(from, e->stride * e->width * e->in + i, narrow));
            for (int64_t i = 0; i < s.count; i++)
                to[s.missing + i] = narrow ? ((const int8_t *)from)[i] : ((const real *)from)[i];
        }
        for (; to < rows + (p + 1) * columns; to++)
            *to = 0;
    }
}

/* Add the rows of the matrix for output pixels of one image from `first` on to the values that they came from. */
static void fold(const extent *e, const real *rows, int64_t first, int64_t some, real *image)
{
    const int64_t high = after(e->height, e), wide = after(e->width, e);
    const int64_t columns = columns_of(e), row = e->kernel * e->in;
    place at = place_of(first, high, wide);
    for (int64_t p = 0; p < some; p++, at = behind(at, high, wide))
        for (int64_t ky = 0; ky < e->kernel; ky++) {
            const strip s = strip_of(e, at.y, at.x, ky);
            const real *from = rows + p * columns + ky * row + s.missing;
            real *to = image + s.first;
#pragma omp simd
            for (int64_t i = 0; i < s.count; i++)
                to[i] += from[i];
        }
}

/* Weights [out, in, ky, kx] as a matrix [columns, out], or, `back`, [out, columns]. */
static void pack(const extent *e, const real *w, real *packed, int back)
{
    const int64_t I = e->in, O = e->out, taps = e->kernel * e->kernel, columns = columns_of(e);
#pragma omp for schedule(static)
    for (int64_t column = 0; column < columns; column++)
        for (int64_t o = 0; o < O; o++)
            packed[back ? o * columns + column : column * O + o]
                = column < taps * I ? w[(o * I + column % I) * taps + column / I] : 0;
}

/* The output [N, H', W', out] of x [N, H, W, in] and weights [out, in, ky, kx]. */
int unfolded_output(const extent *e, const real *x, const real *w, real *y)
{
    const int64_t O = e->out, columns = columns_of(e), pixels = e->images * after(e->height, e) * after(e->width, e);
    const int64_t shared = lines(columns * O), own = lines(CHUNK * (columns + O));
    real *packed = allocate(shared + e->threads * own);
    if (!packed)
        return 0;
#pragma omp parallel num_threads(e->threads)
    {
        real *rows = packed + shared + worker() * own, *out = rows + CHUNK * columns;
        pack(e, w, packed, 0);
#pragma omp for schedule(static)
        for (int64_t first = 0; first < pixels; first += CHUNK) {
            const int64_t some = least(CHUNK, pixels - first);
            unfold(e, x, first, some, rows, 0);
            multiply_all(rows, packed, some < CHUNK ? out : y + first * O, some, columns, O);
            if (some < CHUNK)
                memcpy(y + first * O, out, some * O * sizeof *out);
        }
    }
    free(packed);
    return 1;
}

/* The gradient of x [N, H, W, in] from that of the output, [N, H', W', out]. */
int unfolded_inputs(const extent *e, const real *grad, const real *w, real *x)
{
    const int64_t O = e->out, columns = columns_of(e), size = e->height * e->width * e->in;
    const int64_t pixels = after(e->height, e) * after(e->width, e);
    const int64_t shared = lines(columns * O), own = lines(CHUNK * (columns + O));
    real *packed = allocate(shared + e->threads * own);
    if (!packed)
        return 0;
#pragma omp parallel num_threads(e->threads)
    {
        real *rows = packed + shared + worker() * own, *in = rows + CHUNK * columns;
        pack(e, w, packed, 1);
#pragma omp for schedule(static)
        for (int64_t n = 0; n < e->images; n++) {
            memset(x + n * size, 0, size * sizeof *x);
            for (int64_t first = 0; first < pixels; first += CHUNK) {
                const int64_t some = least(CHUNK, pixels - first);
                const real *grads = grad + (n * pixels + first) * O;
                if (some < CHUNK)
                    memcpy(in, grads, some * O * sizeof *in);
                multiply_all(some < CHUNK ? in : grads, packed, rows, some, O, columns);
                fold(e, rows, first, some, x + n * size);
            }
        }
    }
    free(packed);
    return 1;
}

/* The gradient of weights; x is `narrow` or not, as in winograd.c. */
static int weights_of_rows(const extent *e, const void *x, const real *grad, real *w, int narrow)
{
    const int64_t I = e->in, O = e->out, taps = e->kernel * e->kernel, columns = columns_of(e);
    const int64_t pixels = e->images * after(e->height, e) * after(e->width, e);
    const int64_t block = (pixels + e->blocks - 1) / e->blocks;
    const int64_t shared = lines(e->blocks * columns * O), own = lines(CHUNK * columns);
    real *sums = allocate(shared + e->threads * own);
    if (!sums)
        return 0;
#pragma omp parallel num_threads(e->threads)
    {
        real *rows = sums + shared + worker() * own;
#pragma omp for schedule(static)
        for (int64_t b = 0; b < e->blocks; b++) {
            real *sum = sums + b * columns * O;
            memset(sum, 0, columns * O * sizeof *sum);
            const int64_t end = least((b + 1) * block, pixels);
            for (int64_t first = b * block; first < end; first += CHUNK) {
                const int64_t some = least(CHUNK, end - first);
                if (narrow)
                    unfold(e, x, first, some, rows, 1);
                else
                    unfold(e, x, first, some, rows, 0);
                accumulate_all(rows, grad + first * O, sum, some, columns, O);
            }
        }
        join_blocks(e, sums, columns * O);
#pragma omp for schedule(static)
        for (int64_t o = 0; o < O; o++)
            for (int64_t column = 0; column < taps * I; column++)
                w[(o * I + column % I) * taps + column / I] = sums[column * O + o];
    }
    free(sums);
    return 1;
}

/* The gradient of weights [out, in, ky, kx], from x [N, H, W, in] and that of the output, [N, H', W', out]. */
int unfolded_weights(const extent *e, const real *x, const real *grad, real *w)
{
    return weights_of_rows(e, x, grad, w, 0);
}

int unfolded_weights_of_bytes(const extent *e, const int8_t *x, const real *grad, real *w)
{
    return weights_of_rows(e, x, grad, w, 1);
}
