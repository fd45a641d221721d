/* Needs: convolution_row. */
static void convolution(const struct convolution *p, const float *x, float *y)
{
    for (int k = 0; k < p->batch * p->groups * p->outputs; k++)
        for (int row = 0; row < p->rows; row++, y += p->columns)
            convolution_row(p, k, row, x, y);
}
