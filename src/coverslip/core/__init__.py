"""The words every other room uses: images, regions, samples, results, settings and errors.

Only NumPy and the standard library are imported here (settings use pydantic), so that
`import coverslip` and every command without a network start at once.
"""
