"""The documentation site, built from a report of checked claims:

    python -m fokkerplanck reproduce --quick
    python -m sphinx -W --keep-going -b html docs site

FOKKERPLANCK_REPORT names the folder of another report than reports/latest. FOKKERPLANCK_MATHJAX names the folder `es5`
of MathJax 3 (npm pack mathjax@3): it becomes part of the site, which then asks no other host for anything.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import lessons  # noqa: E402

import fokkerplanck  # noqa: E402

project = "fokkerplanck"
author = "The fokkerplanck developers"
project_copyright = author
release = version = fokkerplanck.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "reported",
    "public",
]
exclude_patterns = ["_ext", "_static"]
lessons.copy(HERE.parent / "notebooks", HERE / "lessons")

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# The last MathJax that brings its fonts along; version 4 fetches them from a second place.
mathjax_path = "https://cdn.jsdelivr.net/npm/mathjax@3.2.2/es5/tex-chtml.js"
if mathjax := os.environ.get("FOKKERPLANCK_MATHJAX"):
    html_static_path += [str(Path(mathjax).resolve())]
    mathjax_path = "tex-chtml.js"
html_show_sphinx = False
html_copy_source = False

# As they are committed: with outputs, which a test of the lessons holds against their sources.
nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"ArrayLike": "numpy.typing.ArrayLike"}
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
