/* Needs: exponential. */
struct sigmoid {
    int count;
};

static void sigmoid(const struct sigmoid *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = 1.0f / (1.0f + exponential(-x[k]));
}
