"""PostgreSQLの用意と、表の移行。"""
