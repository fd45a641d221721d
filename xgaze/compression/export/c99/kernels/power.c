/* Needs: <math.h>. */
struct power {
    int count;
    float exponent;
};

static void power(const struct power *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = powf(x[k], p->exponent);
}
