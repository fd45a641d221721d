/* What is stored -> (stored - mean) / std, mean and std by its place in the last dimension, of `period` numbers. */
struct normalise_floats {
    int count, period;
    const float *mean, *std;
};

static void normalise_floats(const struct normalise_floats *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = (x[k] - p->mean[k % p->period]) / p->std[k % p->period];
}
