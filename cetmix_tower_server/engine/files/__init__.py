"""Files on hosts as Tower knows them: paths, operations, differences. The transfer itself is ``ssh/files``."""
