struct clip {
    int count;
    float low, high;
};

static void clip(const struct clip *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = x[k] < p->low ? p->low : x[k] > p->high ? p->high : x[k];
}
