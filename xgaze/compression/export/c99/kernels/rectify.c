struct rectify {
    int count;
    float negative;
};

static void rectify(const struct rectify *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = x[k] < 0 ? x[k] * p->negative : x[k];
}
