"""The verb predict for methods that give labels: one image, thousands of them, or one larger than memory.

Images are cut into blocks, objects are found block by block, and each image is written as soon as it is done, so that
work that was stopped or killed goes on where it was.
"""
