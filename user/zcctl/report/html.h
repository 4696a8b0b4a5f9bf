/* SPDX-License-Identifier: GPL-2.0-only */
/* HTML, and text that is only text in it. */
#ifndef _ZCCTL_HTML_H
#define _ZCCTL_HTML_H

#include <stddef.h>
#include <stdio.h>

void html_text(FILE *to, const char *text);
void html_base64(FILE *to, const char *data, size_t len);

#endif /* _ZCCTL_HTML_H */
