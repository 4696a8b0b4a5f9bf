// SPDX-License-Identifier: GPL-2.0-only
/* The device, with errors that help. */
#include <errno.h>

#include "zcctl.h"

/* Returns EX_OK, or an exit code after an error message. */
int device_open(struct zc_context **ctx)
{
	int err = zc_open(ctx);

	switch (-err) {
	case 0:
		return EX_OK;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return out_error(EX_NO_MODULE, 0, "load it: sudo zcctl load",
				 "the module is not loaded: there is no %s",
				 ZC_DEVICE);
	case EACCES:
	case EPERM:
		return out_error(EX_PERMISSION, -err,
				 "run as root, or let a group in: chgrp GROUP " ZC_DEVICE,
				 "cannot open %s", ZC_DEVICE);
	default:
		return out_error(EX_FAILED, -err, NULL, "cannot open %s",
				 ZC_DEVICE);
	}
}
