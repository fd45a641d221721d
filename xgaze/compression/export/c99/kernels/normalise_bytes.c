/* What is stored -> (stored - mean) / std, mean and std by its place in the last dimension, of `period` numbers. */
struct normalise_bytes {
    int count, period;
    const float *mean, *std;
};

static void normalise_bytes(const struct normalise_bytes *p, const uint8_t *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = ((float)x[k] - p->mean[k % p->period]) / p->std[k % p->period];
}
