/* What is stored -> (stored - mean) / std, of `period` numbers each: one for every `inner` values, in turn. */
struct normalise_bytes {
    int count, period, inner;
    const float *mean, *std;
};

static void normalise_bytes(const struct normalise_bytes *p, const uint8_t *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = ((float)x[k] - p->mean[k / p->inner % p->period]) / p->std[k / p->inner % p->period];
}
