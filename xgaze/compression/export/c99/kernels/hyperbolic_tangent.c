/* Needs: exponential. */
struct hyperbolic_tangent {
    int count;
};

static void hyperbolic_tangent(const struct hyperbolic_tangent *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = 1.0f - 2.0f / (1.0f + exponential(2.0f * x[k]));
}
