# SPDX-License-Identifier: GPL-2.0-only
"""For Sphinx: `make htmldocs`. The kernel's own extension reads the comments of the code."""
import os
import re
import sys

top = os.path.abspath("..")
kernel = os.environ["ZC_KERNEL_DOC"]        # what selftests/qemu/ksft.sh unpacks
sys.path.insert(0, os.path.join(kernel, "Documentation/sphinx"))
os.environ.setdefault("srctree", top)

extensions = ["kerneldoc"]
kerneldoc_bin = os.path.join(kernel, "scripts/kernel-doc")
kerneldoc_srctree = top

project = "zc"
with open(os.path.join(top, "dkms.conf"), encoding="ascii") as conf:
    release = version = re.search(r'PACKAGE_VERSION="(.*)"', conf.read())[1]
copyright = "the authors of zc"
master_doc = "index"
exclude_patterns = ["schema", "netlink", "ABI"]
primary_domain = "c"
highlight_language = "none"
nitpicky = False
html_theme = "alabaster"
html_theme_options = {"description": "Zero-copy hugepage buffers for Linux",
                      "page_width": "72em", "fixed_sidebar": True}
html_copy_source = False
