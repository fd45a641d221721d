struct hard_swish {
    int count;
};

static void hard_swish(const struct hard_swish *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++) {
        const float gate = (x[k] + 3.0f) / 6.0f;
        y[k] = x[k] * (gate < 0 ? 0 : gate > 1 ? 1 : gate);
    }
}
