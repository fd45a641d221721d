/* What is stored -> (stored - mean) / std, of `period` numbers each: one for every `inner` values, in turn. */
struct normalise_floats {
    int count, period, inner;
    const float *mean, *std;
};

static void normalise_floats(const struct normalise_floats *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = (x[k] - p->mean[k / p->inner % p->period]) / p->std[k / p->inner % p->period];
}
