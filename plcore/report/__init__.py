"""Run the notebooks and write what they show as an offline site.

- `notebooks`: run notebooks, and read what a page holds
- `headlines`: the table of headline numbers, which every page and the README agree with
- `teaching`: what only the charts for a class need
- `slides`: the deck made from the notebook of teaching charts
- `explore`: the page "What would you have to believe?", whose sliders move losses, survival and pain
- `site`: the folder of pages, charts, tables and reference, put in place of the previous one when
  complete
- `figures`: the charts of a report as images, each with its numbers
- `office`: the slides as PowerPoint and a brief of two pages as Word

`python3 run.py report` writes the report, `python3 run.py figures` its images.
"""

# Nothing is brought up here: a notebook that wants the headlines needs nothing of what runs notebooks.
__all__: list[str] = []
