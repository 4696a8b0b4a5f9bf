# SPDX-License-Identifier: GPL-2.0-only
#
# From the UAPI headers: by which errors each ioctl may fail, as rows of a table in C. What is
# read is "Errors:" in the description of its structure.
/^ \* struct zc_/ { name = $3; said = 0 }
/^ \* Errors:/ { said = 1 }
/^ \*\// { said = 0 }
said {
	gsub(/[^A-Z0-9a-z_]+/, " ")
	for (i = 1; i <= NF; i++)
		if ($i ~ /^E[A-Z0-9]+$/ && !seen[name, $i]++)
			printf "\t{ \"%s\", %s },\n", name, $i
}
