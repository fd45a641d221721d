/* Needs: shifted. */
/* value * multiplier / 2^shift, to the nearest whole number, halves up. */
static int64_t rescaled(int64_t value, int32_t multiplier, int shift)
{
    return shifted(value * multiplier, shift);
}
