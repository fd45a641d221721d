/* value / 2^shift, to the nearest whole number, halves up. */
static int64_t shifted(int64_t value, int shift)
{
    const int64_t whole = (int64_t)1 << shift, raised = value + whole / 2;
    return raised >= 0 ? raised >> shift : -((-raised + whole - 1) >> shift);
}
