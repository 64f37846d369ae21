/*
 * partition: which part of AWS a region belongs to, and what the names of hosts end in there. Pure,
 * constant; any thread. Source: the SDKs' partitions table (botocore's partitions.json).
 */
#ifndef AWS_PARTITION_H
#define AWS_PARTITION_H

#include <stdbool.h>

struct partition {
    const char *name;              /* "aws-cn" */
    const char *region_prefix;     /* "cn-"; "" of the one that all other regions belong to */
    const char *suffix;            /* of host names: "amazonaws.com.cn" */
    const char *dual_stack_suffix; /* of hosts with IPv6 addresses too; NULL: there are none */
    bool fips;                     /* has FIPS endpoints */
    bool fips_is_usual;            /* they are the usual ones, but for those with IPv6 */
};

/* Finds a region's partition; a region that nobody knows belongs to "aws". */
const struct partition *partition_of(const char *region);

#endif
