# SPDX-License-Identifier: GPL-2.0-only
#
# By which errors each ioctl may fail, and each command by netlink, as rows of a table in C. What
# is read is "Errors:" in the description of its structure in the UAPI headers, and in that of the
# command in the specification; of the family itself, what is of all commands.
/^ \* struct zc_/ { name = $3; said = 0 }
/^doc: / { name = "all"; said = 0 }
/^ +name: [a-z]+-(get|set)$/ { name = $2; said = 0 }
/Errors:|Each command may fail/ { said = 1 }
/^ \*\/|^$|^ +(attribute-set|do|name):|^[a-z]+:/ { said = 0 }
said {
	gsub(/[^A-Z0-9a-z_-]+/, " ")
	for (i = 1; i <= NF; i++)
		if ($i ~ /^E[A-Z0-9]+$/ && !seen[name, $i]++)
			printf "\t{ \"%s\", %s },\n", name, $i
}
